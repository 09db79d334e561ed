"""What a log of ``panes`` amounts to, for readers that are in no hurry and forget nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.contracts.leaves import LeafName, scopes_of
from shared.contracts.midnights import first_open_day, midnight_of
from shared.contracts.panes import (
    DAY,
    MINUTE,
    QUARTER,
    QUARTER_MS,
    Cell,
    PaneRecord,
    PaneUpdate,
)
from shared.contracts.scopes import SCOPE_KINDS, ScopeName

_EVERY_KIND: Final = range(len(SCOPE_KINDS))


class CellKey(NamedTuple):
    """What a cell is of; ``source`` is the input partition that states it."""

    source: int
    leaf: LeafName
    level: int
    start_ms: int
    indicator: int


class ScopeKey(NamedTuple):
    """What all sources say of a scope in one pane."""

    scope: ScopeName
    level: int
    start_ms: int
    indicator: int


class Summary(NamedTuple):
    """What cells add up to; ``sketch`` as of `Cell`."""

    n: int
    total: int
    good: int
    sketch: tuple[tuple[int, int], ...]


Rolled = dict[ScopeKey, Summary]


class Seal(NamedTuple):
    """The quarter-hours and the days that start before these are sealed."""

    quarters_ms: int
    days_ms: int

    @classmethod
    def at(cls, sealed_ms: int, zone: ZoneInfo) -> Seal:
        """What ``sealed_ms`` says."""
        return cls(sealed_ms, first_open_day(sealed_ms, zone))

    def lets_state(self, level: int, start_ms: int) -> bool:
        """Whether the cells of a pane are stated, and not sums of those below."""
        if level == QUARTER:
            return start_ms < self.quarters_ms
        return level != DAY or start_ms < self.days_ms


def key_of(source: int, cell: Cell) -> CellKey:
    """Of a cell that this source states."""
    return CellKey(source, cell.leaf, cell.level, cell.start_ms, cell.indicator)


def key_above(key: CellKey, zone: ZoneInfo) -> CellKey | None:
    """Of the cell of the quarter-hour or the day in which this one lies; days and cells over all
    time have none above."""
    if key.level == MINUTE:
        return key._replace(level=QUARTER, start_ms=key.start_ms // QUARTER_MS * QUARTER_MS)
    if key.level == QUARTER:
        return key._replace(level=DAY, start_ms=midnight_of(key.start_ms, zone))
    return None


def summed(key: CellKey, below: Iterable[Cell]) -> Cell:
    """The cell that some cells one level below add up to."""
    return Cell(key.leaf, key.level, key.start_ms, key.indicator, *_summary(below))


def rolled_up(cells: Iterable[Cell], kinds: Container[int] = _EVERY_KIND) -> Rolled:
    """What cells of leaves, of all sources, add up to in the scopes of these kinds."""
    parts: dict[ScopeKey, list[Cell]] = defaultdict(list)
    for cell in cells:
        for scope in scopes_of(cell.leaf):
            if scope[1] in kinds:
                parts[ScopeKey(scope, cell.level, cell.start_ms, cell.indicator)].append(cell)
    return {key: _summary(own) for key, own in parts.items()}


def _summary(cells: Iterable[Cell]) -> Summary:
    n = total = good = 0
    counts: Counter[int] = Counter()
    for cell in cells:
        n += cell.n
        total += cell.total
        good += cell.good
        for bucket, count in cell.sketch:
            counts[bucket] += count
    sketch = tuple(sorted((bucket, count) for bucket, count in counts.items() if count))
    return Summary(n, total, good, sketch)


class PaneLog:
    """Holds the last of every cell that was stated, and adds up those that are not stated yet.

    ``zone`` is the organisation's. Of leaves that count in no scope of these ``kinds`` it holds
    nothing. What a source says of a group is to come in its order.
    """

    def __init__(self, zone: ZoneInfo, kinds: Container[int] = _EVERY_KIND) -> None:
        self._zone = zone
        self._kinds = kinds
        self._stated: dict[CellKey, Cell] = {}
        self._sealed_ms: dict[int, int] = {}

    def take(self, record: PaneRecord) -> None:
        """The next record."""
        if not isinstance(record, PaneUpdate):
            return
        seal = Seal.at(record.sealed_ms, self._zone)
        before = self._sealed_ms.get(record.source, record.sealed_ms)
        self._sealed_ms[record.source] = max(before, record.sealed_ms)
        for cell in (*record.slice_cells, *record.cells):
            if self._is_wanted(cell.leaf) and seal.lets_state(cell.level, cell.start_ms):
                self._stated[key_of(record.source, cell)] = cell

    def _is_wanted(self, leaf: LeafName) -> bool:
        return any(kind in self._kinds for _, kind, _ in scopes_of(leaf))

    def rolled_up(self) -> Rolled:
        """What it amounts to in the scopes of its kinds."""
        return rolled_up(self.cells().values(), self._kinds)

    def cells(self) -> dict[CellKey, Cell]:
        """Every cell, whether it was stated or is a sum of those below."""
        seals = {source: Seal.at(ms, self._zone) for source, ms in self._sealed_ms.items()}
        cells = dict(self._stated)
        for level in (QUARTER, DAY):
            cells |= self._not_stated_yet(level, cells, seals)
        return cells

    def _not_stated_yet(
        self, level: int, cells: dict[CellKey, Cell], seals: dict[int, Seal]
    ) -> dict[CellKey, Cell]:
        below: dict[CellKey, list[Cell]] = defaultdict(list)
        for key, cell in cells.items():
            above = key_above(key, self._zone)
            if above is None or above.level != level:
                continue
            if not seals[key.source].lets_state(level, above.start_ms):
                below[above].append(cell)
        return {key: summed(key, parts) for key, parts in below.items()}
