"""Panes: the mergeable summaries of measurements that one input partition keeps.

A measurement is booked in a minute, a quarter-hour and a calendar day, for the scopes that it
belongs to. The cells of an hour's minutes, of a day's quarter-hours and of a month's days lie
together in a block: dense columns, and an index from (scope, indicator, start) to a place in them.
A flush is sorted once at the level of minutes, from which quarter-hours and days are rolled up, so
the number of numpy calls grows with the blocks that are touched and neither with panes nor cells.
What is older than its level is kept for takes no more bookings (the day still has them), and a
block is dropped whole when its last pane is so old.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from services.scoring.core import histograms
from services.scoring.core.cell_arrays import CellArrays, from_wire, joined
from services.scoring.core.columns import Column, Integers, grown, run_lengths, run_starts, spread
from services.scoring.core.key_index import KeyIndex, distinct
from services.scoring.core.measured import Measured, NameTable
from services.scoring.core.midnights import midnight_of
from services.scoring.core.sketch_columns import SketchColumns
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.measurements import Names
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cells, ScopeName
from shared.contracts.scopes import SCOPE_KINDS

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
KEPT_MS: Final = {MINUTE: 3 * HOUR_MS, QUARTER: 9 * DAY_MS, DAY: 62 * DAY_MS}
"""How far behind the watermark a pane may start and still be kept."""

_BLOCK_MINUTES: Final = {MINUTE: 60, QUARTER: 24 * 60, DAY: 31 * 24 * 60, TOTAL: 1}
_OFFSET_BITS: Final = 16
_MINUTE_BITS: Final = 32
_INDICATOR_BITS: Final = 7
_OFFSET_MASK: Final = (1 << _OFFSET_BITS) - 1
_MINUTE_MASK: Final = (1 << _MINUTE_BITS) - 1
_INDICATOR_MASK: Final = (1 << _INDICATOR_BITS) - 1
"""A cell's key is its scope's number, its indicator, and its start in minutes: since 1970 while a
flush is rolled up (up to the year 9999), since the beginning of the block inside one."""

_EXPIRED: Final = -1
"""In the place of a block's number: the booking goes nowhere."""

_ORGANISATION: Final = SCOPE_KINDS.index("organisation")
_DEPARTMENT: Final = SCOPE_KINDS.index("department")
_TEAM: Final = SCOPE_KINDS.index("team")
_EMPLOYEE: Final = SCOPE_KINDS.index("employee")
_CHANNEL: Final = SCOPE_KINDS.index("channel")
_CATEGORY: Final = SCOPE_KINDS.index("category")
_IS_GAUGE: Final = np.array([INDICATORS[i].kind == "gauge" for i in INDICATOR_IDS])

assert len(INDICATOR_IDS) <= _INDICATOR_MASK
assert max(_BLOCK_MINUTES.values()) <= _OFFSET_MASK


class Days:
    """Midnights of the organisation's zone, remembered per quarter-hour (no zone changes its
    offset inside one)."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._midnights: dict[int, int] = {}

    def starts(self, times_ms: Integers) -> Integers:
        """The latest midnight at or before each instant, in ms."""
        quarters = times_ms // QUARTER_MS
        found = distinct(quarters)
        midnights = np.array([self._start(quarter) for quarter in found.tolist()], np.int64)
        return midnights[np.searchsorted(found, quarters)]

    def _start(self, quarter: int) -> int:
        midnight = self._midnights.get(quarter)
        if midnight is None:
            if len(self._midnights) > 100_000:
                self._midnights.clear()
            midnight = self._midnights[quarter] = midnight_of(quarter * QUARTER_MS, self._zone)
        return midnight


class Scopes:
    """Numbers for scopes and their departments, and the scopes that names count in."""

    def __init__(self, names: NameTable) -> None:
        self.rows: list[ScopeName] = []
        self.departments: list[str] = []
        self._numbers: dict[ScopeName, int] = {}
        self._department_numbers: dict[str, int] = {}
        self._department_of = Column()
        self.use(names)

    def use(self, names: NameTable) -> None:
        """Entries are numbers of this table from now on."""
        self._names = names
        self._learnt = 0
        self._ends = Column()
        self._flat = Column()
        self._ends.extend([0])

    @property
    def department_of(self) -> Integers:
        """By scope number, the number of its department ("" is one too)."""
        return self._department_of.values

    def number(self, row: ScopeName) -> int:
        """The scope's number, given out when it is first asked for."""
        number = self._numbers.get(row)
        if number is None:
            number = self._numbers[row] = len(self.rows)
            self.rows.append(row)
            self._department_of.extend([self._department(row[0])])
        return number

    def expand(self, names: Integers) -> tuple[Integers, Integers]:
        """For every (entry, scope that it counts in): the entry's place and the scope's number;
        entries are numbers of the name table."""
        self._learn()
        ends = self._ends.values
        lengths = ends[names + 1] - ends[names]
        places = np.repeat(np.arange(len(names)), lengths)
        return places, self._flat.values[spread(ends[names], lengths)]

    def _learn(self) -> None:
        """Look up the scopes of names that are new in the table."""
        for names in self._names.rows[self._learnt :]:
            self._flat.extend([self.number(row) for row in _scopes_of(names)])
            self._ends.extend([len(self._flat)])
        self._learnt = len(self._names.rows)

    def _department(self, name: str) -> int:
        number = self._department_numbers.get(name)
        if number is None:
            number = self._department_numbers[name] = len(self.departments)
            self.departments.append(name)
        return number


def _scopes_of(names: Names) -> Iterator[ScopeName]:
    department, team, employee, channel, category = names
    yield "", _ORGANISATION, ""
    if channel:
        yield "", _CHANNEL, channel
    if category:
        yield "", _CATEGORY, category
    if department:
        yield department, _DEPARTMENT, department
        if team:
            yield department, _TEAM, team
        if employee:
            yield department, _EMPLOYEE, employee


class _Rollup(NamedTuple):
    """The cells of one level that a flush changes, ascending by key, and by how much."""

    keys: Integers
    n: Integers
    total: Integers
    good: Integers

    @property
    def minutes(self) -> Integers:
        """Starts in minutes since 1970."""
        return self.keys & _MINUTE_MASK

    @property
    def indicators(self) -> Integers:
        return self.keys >> _MINUTE_BITS & _INDICATOR_MASK

    def restarted(self, minutes: Integers) -> tuple[_Rollup, Integers]:
        """The same rolled up to longer panes, by each cell's start among those; and the place of
        each cell in it."""
        keys = self.keys & ~_MINUTE_MASK | minutes
        if (keys[1:] >= keys[:-1]).all():
            return self._replace(keys=keys).reduced()
        # Where clocks are set back over midnight, a day begins again after the next one began.
        order = np.argsort(keys)
        rolled, sorted_places = self._replace(keys=keys).take(order).reduced()
        places = np.empty_like(sorted_places)
        places[order] = sorted_places
        return rolled, places

    def reduced(self) -> tuple[_Rollup, Integers]:
        """Equal keys, which follow one another, made one; and the place of each entry in it."""
        starts = run_starts(self.keys)
        lengths = run_lengths(starts, len(self.keys))
        sums = (np.add.reduceat(column, starts) for column in self[1:])
        return _Rollup(self.keys[starts], *sums), np.repeat(np.arange(len(starts)), lengths)

    def take(self, places: Integers | slice) -> _Rollup:
        return _Rollup(*(column[places] for column in self))


class _Bucketed(NamedTuple):
    """Entries for sketches: the place of the cell in the rollup, the bucket and the count."""

    cells: Integers
    buckets: Integers
    counts: Integers


_NONE: Final = np.zeros(0, np.int64)
_NO_BUCKETS: Final = _Bucketed(_NONE, _NONE, _NONE)


class BlockKey(NamedTuple):
    """``number`` counts blocks of a level from 1970 on."""

    level: int
    number: int


class _Block:
    """The cells of one stretch of time at one level."""

    __slots__ = ("_good", "_index", "_key", "_n", "_sketches", "_total", "_touched")

    def __init__(self, key: BlockKey) -> None:
        self._key = key
        self._index = KeyIndex()
        self._n: Integers = np.zeros(0, np.int64)
        self._total: Integers = np.zeros(0, np.int64)
        self._good: Integers = np.zeros(0, np.int64)
        self._sketches = SketchColumns()
        self._touched: list[Integers] = []

    def __len__(self) -> int:
        return len(self._index)

    def add(self, keys: Integers, change: _Rollup, bucketed: _Bucketed) -> None:
        """Book changes under distinct keys."""
        places = self._place(keys)
        self._n[places] += change.n
        self._total[places] += change.total
        self._good[places] += change.good
        self._sketches.add(places[bucketed.cells], bucketed.buckets, bucketed.counts)
        self._touched.append(places)

    def replace(self, keys: Integers, cells: CellArrays) -> None:
        """Set cells under distinct keys."""
        places = self._place(keys)
        self._n[places] = cells.n
        self._total[places] = cells.total
        self._good[places] = cells.good
        self._sketches.clear(places)
        self._sketches.add(np.repeat(places, cells.buckets), cells.bucket, cells.counts)

    def take_touched(self) -> CellArrays:
        touched, self._touched = self._touched, []
        return self._cells(touched[0] if len(touched) == 1 else distinct(np.concatenate(touched)))

    def slice(self, first: int, last: int, limit_ms: int) -> CellArrays:
        """The cells from place ``first`` to before ``last`` in panes that start at ``limit_ms`` or
        later."""
        places = np.arange(first, min(last, len(self)))
        starts = self._starts_ms(self._index.keys[first:last])
        return self._cells(places[starts >= limit_ms])

    def _place(self, keys: Integers) -> Integers:
        places = self._index.place(keys)
        size = len(self._index)
        self._n, self._total = grown(self._n, size), grown(self._total, size)
        self._good = grown(self._good, size)
        return places

    def _cells(self, places: Integers) -> CellArrays:
        keys = self._index.keys[places]
        return CellArrays(
            keys >> _OFFSET_BITS + _INDICATOR_BITS,
            np.full(len(places), self._key.level, np.int64),
            keys >> _OFFSET_BITS & _INDICATOR_MASK,
            self._starts_ms(keys),
            self._n[places],
            self._total[places],
            self._good[places],
            *self._sketches.of(places),
        )

    def _starts_ms(self, keys: Integers) -> Integers:
        first = self._key.number * _BLOCK_MINUTES[self._key.level]
        return ((keys & _OFFSET_MASK) + first) * MINUTE_MS


class Cursor(NamedTuple):
    """How far a round of slices has come: up to a place in a block."""

    block: BlockKey
    place: int


class PaneStore:
    """The panes of one input partition; ``names`` are those of what is booked."""

    def __init__(self, zone: ZoneInfo, names: NameTable) -> None:
        self.scopes = Scopes(names)
        self._days = Days(zone)
        self._blocks: dict[BlockKey, _Block] = {}
        self._touched: set[BlockKey] = set()

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return sum(map(len, self._blocks.values()))

    # -- booking --------------------------------------------------------------------------------

    def book(self, rows: Measured, watermark_ms: int) -> None:
        """Add measurements (or with their sign -1 take them back) in every pane still kept."""
        if not rows.size:
            return
        minutes, bucketed = self._minutes(rows)
        self._add(MINUTE, minutes, bucketed, watermark_ms)
        quarters, places = minutes.restarted(minutes.minutes // 15 * 15)
        bucketed = bucketed._replace(cells=places[bucketed.cells])
        self._add(QUARTER, quarters, bucketed, watermark_ms)
        days, places = quarters.restarted(
            self._days.starts(quarters.minutes * MINUTE_MS) // MINUTE_MS
        )
        bucketed = bucketed._replace(cells=places[bucketed.cells])
        self._add(DAY, days, bucketed, watermark_ms)
        gauges = days.take(np.flatnonzero(_IS_GAUGE[days.indicators]))
        if len(gauges.keys):
            totals, _ = gauges.restarted(np.zeros(len(gauges.keys), np.int64))
            self._add(TOTAL, totals, _NO_BUCKETS, watermark_ms)

    def _minutes(self, rows: Measured) -> tuple[_Rollup, _Bucketed]:
        """The minutes' cells that the rows change, for every scope that they count in."""
        places, scopes = self.scopes.expand(rows.names)
        times = rows.indicator << _MINUTE_BITS | rows.time_ms // MINUTE_MS
        keys = scopes << _MINUTE_BITS + _INDICATOR_BITS | times[places]
        order = np.argsort(keys)
        places = places[order]
        total, good = rows.sign * rows.value, rows.sign * rows.good
        sorted_ = _Rollup(keys[order], rows.sign[places], total[places], good[places])
        minutes, cells = sorted_.reduced()
        buckets = histograms.buckets_of(rows.indicator, rows.value)[places]
        kept = np.flatnonzero(buckets != histograms.NO_BUCKET)
        return minutes, _Bucketed(cells[kept], buckets[kept], sorted_.n[kept])

    def _add(self, level: int, cells: _Rollup, bucketed: _Bucketed, watermark_ms: int) -> None:
        starts = cells.minutes
        numbers, offsets = np.divmod(starts, _BLOCK_MINUTES[level])
        numbers[starts * MINUTE_MS < _limit(level, watermark_ms)] = _EXPIRED
        keys = cells.keys >> _MINUTE_BITS << _OFFSET_BITS | offsets
        for number, places in _parts(numbers):
            key = BlockKey(level, number)
            part = cells.take(places)
            self._open(key).add(keys[places], part, _within(bucketed, places, len(keys)))
            self._touched.add(key)

    def _open(self, key: BlockKey) -> _Block:
        block = self._blocks.get(key)
        if block is None:
            block = self._blocks[key] = _Block(key)
        return block

    # -- what is stored -------------------------------------------------------------------------

    def take_touched(self) -> CellArrays:
        """The cells booked since the last call, with their absolute sums."""
        touched = sorted(self._touched)
        self._touched.clear()
        return joined([self._blocks[key].take_touched() for key in touched])

    def slice_after(
        self, cursor: Cursor | None, budget: int, watermark_ms: int
    ) -> tuple[CellArrays, Cursor | None]:
        """The next ``budget`` cells in a fixed order, without those in panes that are no longer
        kept; and where to go on, None at the end of a round."""
        parts = []
        for key, first in self._ahead(cursor):
            block = self._blocks[key]
            last = min(first + budget, len(block))
            parts.append(block.slice(first, last, _limit(key.level, watermark_ms)))
            budget -= last - first
            if not budget:
                return joined(parts), Cursor(key, last)
        return joined(parts), None

    def _ahead(self, cursor: Cursor | None) -> Iterator[tuple[BlockKey, int]]:
        for key in sorted(self._blocks):
            if cursor is None or key > cursor.block:
                yield key, 0
            elif key == cursor.block:
                yield key, cursor.place

    def drop_expired(self, watermark_ms: int) -> None:
        """Forget the blocks of which no pane is kept any more."""
        for key in [k for k in self._blocks if _is_over(k, watermark_ms)]:
            del self._blocks[key]
            self._touched.discard(key)

    def restore(self, cells: Cells) -> None:
        """Take absolute cells from a changelog."""
        numbers = [self.scopes.number(scope) for scope in cells.scopes]
        arrays = from_wire(cells, np.array(numbers, np.int64))
        for level in KEPT_MS.keys() | {TOTAL}:
            self._restore(level, arrays.take(np.flatnonzero(arrays.level == level)))

    def _restore(self, level: int, cells: CellArrays) -> None:
        numbers, offsets = np.divmod(cells.start_ms // MINUTE_MS, _BLOCK_MINUTES[level])
        keys = (cells.scope << _INDICATOR_BITS | cells.indicator) << _OFFSET_BITS | offsets
        for number, places in _parts(numbers):
            self._open(BlockKey(level, number)).replace(keys[places], cells.take(places))


def _limit(level: int, watermark_ms: int) -> int:
    """Before which start a pane is no longer kept."""
    return watermark_ms - KEPT_MS[level] if level in KEPT_MS else 0


def _is_over(key: BlockKey, watermark_ms: int) -> bool:
    end_ms = (key.number + 1) * _BLOCK_MINUTES[key.level] * MINUTE_MS
    return end_ms <= _limit(key.level, watermark_ms)


def _parts(numbers: Integers) -> Iterator[tuple[int, Integers]]:
    """Each block's number and the places of its entries, without the expired ones."""
    for number in distinct(numbers).tolist():
        if number != _EXPIRED:
            yield number, np.flatnonzero(numbers == number)


def _within(bucketed: _Bucketed, cells: Integers, count: int) -> _Bucketed:
    """The entries of some of ``count`` cells, which count from 0 among themselves."""
    if len(cells) == count:
        return bucketed
    renumbered = np.full(count, -1, np.int64)
    renumbered[cells] = np.arange(len(cells))
    places = renumbered[bucketed.cells]
    inside = places >= 0
    return _Bucketed(places[inside], bucketed.buckets[inside], bucketed.counts[inside])
