"""Whether a log of ``panes`` seals quarter-hours and days as the contract has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from bellwether_native import KEPT_MS, SEALED_AFTER_MS

from shared.contracts.pane_log import CellKey, Seal, key_above, key_of, summed
from shared.contracts.panes import QUARTER_MS, Cell, PaneUpdate


class SealChecks:
    """Of one source in one partition of the topic, which ``place`` names.

    ``sealed_ms`` follows the watermark and never falls, what is open is not stated, and the flush
    that seals a pane states of it what the cells one level below add up to. Those are all in the
    log, if it is a whole one and the pane is sealed before they are no longer kept.
    """

    def __init__(self, zone: ZoneInfo, place: str) -> None:
        self.faults: list[str] = []
        self._zone = zone
        self._place = place
        self._sealed_ms = self._watermark_ms = self._revision = 0
        self._sealed_before = Seal(0, 0)
        self._below: dict[CellKey, dict[CellKey, Cell]] = defaultdict(dict)
        self._stated: dict[CellKey, Cell] = {}

    def take(self, update: PaneUpdate) -> None:
        """The next update; a flush may make several of them."""
        if update.revision != self._revision:
            self.end_flush()
        self._revision = update.revision
        self._watermark_ms = update.watermark_ms
        self._move_seal(update.sealed_ms, update.watermark_ms)
        self._take_cells(update)

    def _move_seal(self, sealed_ms: int, watermark_ms: int) -> None:
        due_ms = max(0, (watermark_ms - SEALED_AFTER_MS) // QUARTER_MS * QUARTER_MS)
        if sealed_ms != due_ms:
            self._fault(f"seals up to {sealed_ms} ms, not {due_ms}")
        if sealed_ms < self._sealed_ms:
            self._fault(f"seals up to {sealed_ms} ms, after {self._sealed_ms}")
        self._sealed_ms = sealed_ms

    def _take_cells(self, update: PaneUpdate) -> None:
        seal = Seal.at(update.sealed_ms, self._zone)
        for cell in update.slice_cells:
            if seal.lets_state(cell.level, cell.start_ms):
                self._hold(key_of(update.source, cell), cell)
        for cell in update.cells:
            key = key_of(update.source, cell)
            if seal.lets_state(cell.level, cell.start_ms):
                self._stated[key] = cell
                self._hold(key, cell)
            else:
                self._fault(f"states the open {cell}")

    def _hold(self, key: CellKey, cell: Cell) -> None:
        above = key_above(key, self._zone)
        if above and not self._sealed_before.lets_state(above.level, above.start_ms):
            self._below[above][key] = cell

    def end_flush(self) -> None:
        """All updates of the flush were taken: what it has sealed is judged."""
        seal = Seal.at(self._sealed_ms, self._zone)
        if seal != self._sealed_before:
            for key in list(self._sealed_by_it(seal)):
                self._judge(key, self._below.pop(key, {}))
            self._sealed_before = seal
        self._stated.clear()

    def _sealed_by_it(self, seal: Seal) -> Iterator[CellKey]:
        for key in self._below.keys() | self._stated.keys():
            was_open = not self._sealed_before.lets_state(key.level, key.start_ms)
            if was_open and seal.lets_state(key.level, key.start_ms):
                yield key

    def _judge(self, key: CellKey, below: dict[CellKey, Cell]) -> None:
        if key.start_ms < self._watermark_ms - KEPT_MS[key.level - 1]:
            return
        wanted = summed(key, below.values())
        found = self._stated.get(key, summed(key, ()))
        if found != wanted:
            self._fault(f"seals {key} as {found[4:]}, not {wanted[4:]}")

    def _fault(self, what: str) -> None:
        self.faults.append(f"{self._place}, revision {self._revision} {what}")
