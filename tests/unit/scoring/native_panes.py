"""The compiled panes in the terms of the contracts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import bellwether_native
import msgspec

from services.scoring.core.pane_kinds import PANE_KINDS
from shared.contracts.midnights import midnight_of
from shared.contracts.panes import Cell, Cells
from tests.unit.scoring.pane_model import Row

Cursor = tuple[int, int, int]

_DECODER: Final = msgspec.msgpack.Decoder(Cells)


class Limits(NamedTuple):
    """Of a record: cells at most, and bytes at most unless a single cell has more."""

    cells: int
    record_bytes: int


class Laid(NamedTuple):
    """Cells as records: all of them, and those of each department in the order given."""

    records: list[Cells]
    groups: list[tuple[str, list[Cells]]]

    @property
    def cells(self) -> list[Cell]:
        """The cells of all records."""
        return [cell for record in self.records for cell in record]


class Panes:
    """A store of panes."""

    def __init__(self, zone: ZoneInfo, limits: Limits) -> None:
        midnight = partial(midnight_of, zone=zone)
        self._store = bellwether_native.PaneStore(midnight, PANE_KINDS, limits)

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return self._store.cells

    @property
    def sealed_ms(self) -> int:
        """Panes that end by then are sealed."""
        return self._store.sealed_ms

    def seal(self, time_ms: int) -> None:
        """Time has come so far."""
        self._store.seal(time_ms)

    def book(self, rows: Iterable[Row], watermark_ms: int) -> None:
        """Add rows."""
        self._store.book([_native(row) for row in rows], watermark_ms)

    def forget_names(self) -> None:
        """Learn names anew."""
        self._store.forget_names()

    def take_touched(self) -> Laid:
        """The cells booked since the last call."""
        return _laid(*self._store.take_touched())

    def slice_after(
        self, cursor: Cursor | None, budget: int, watermark_ms: int
    ) -> tuple[Laid, Cursor | None]:
        """The next cells, and where to go on."""
        laid, cursor = self._store.slice_after(cursor, budget, watermark_ms)
        return _laid(*laid), cursor

    def rest_all(self) -> None:
        """Pack the cells until somebody asks for them."""
        self._store.rest_all()

    def drop_expired(self, watermark_ms: int) -> None:
        """Forget what is no longer kept."""
        self._store.drop_expired(watermark_ms)

    def restore(self, cells: Cells) -> None:
        """Take absolute cells."""
        self._store.restore((cells.leaves, cells.columns))


def _native(row: Row) -> tuple[int, int, int, int, int, tuple[str, str, str, str, str]]:
    names = (*row.holder, row.channel, row.category)
    return row.indicator, row.sign, row.time_ms, row.value, row.good, names


def _laid(records: Iterable[bytes], groups: Iterable[tuple[str, list[bytes]]]) -> Laid:
    return Laid(
        [_DECODER.decode(record) for record in records],
        [(name, [_DECODER.decode(record) for record in own]) for name, own in groups],
    )
