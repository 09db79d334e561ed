"""Panes: the mergeable summaries of measurements that one input partition keeps.

A measurement is booked in a minute, a quarter-hour and a calendar day, for the scopes that it
belongs to. A pane is a few sorted numpy columns, and a batch of measurements is expanded, reduced
and merged as columns too: plain Python per cell costs several times as much, and dicts of cells
ten times the memory. What is older than its level is kept for is dropped, and bookings there go
nowhere: the day still has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.scoring.core import histograms, sketch
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.measurements import Measurement
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell
from shared.contracts.scopes import SCOPE_KINDS

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
KEPT_MS: Final = {MINUTE: 3 * HOUR_MS, QUARTER: 9 * DAY_MS, DAY: 62 * DAY_MS}
"""How far behind the watermark a pane may start and still be kept."""

_INDICATOR_BITS: Final = 6
_BUCKET_BITS: Final = 12
_INDICATOR_MASK: Final = (1 << _INDICATOR_BITS) - 1
_BUCKET_MASK: Final = (1 << _BUCKET_BITS) - 1
_START_SHIFT: Final = 40
"""Columns are keyed by scope number, then indicator, then (in sketches) bucket + 1."""

_ORGANISATION: Final = SCOPE_KINDS.index("organisation")
_DEPARTMENT: Final = SCOPE_KINDS.index("department")
_TEAM: Final = SCOPE_KINDS.index("team")
_EMPLOYEE: Final = SCOPE_KINDS.index("employee")
_CHANNEL: Final = SCOPE_KINDS.index("channel")
_CATEGORY: Final = SCOPE_KINDS.index("category")
_IS_GAUGE: Final = np.array([INDICATORS[i].kind == "gauge" for i in INDICATOR_IDS])

assert len(INDICATOR_IDS) <= _INDICATOR_MASK
assert max(sketch.MAX_BUCKET, histograms.MAX_RATING) + 1 <= _BUCKET_MASK

Integers = NDArray[np.int64]


class PaneKey(NamedTuple):
    """A pane holds all scopes' cells of one interval of one level."""

    level: int
    start_ms: int


class ScopeRow(NamedTuple):
    """The department that a scope lies in (or ""), the place of its kind, and its id."""

    department: str
    kind: int
    id: str


class Days:
    """Midnights of the organisation's zone, remembered per quarter-hour (no zone changes its
    offset inside one)."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._midnights: dict[int, int] = {}

    def starts(self, times_ms: Integers) -> Integers:
        """The latest midnight at or before each instant, in ms."""
        quarters, places = np.unique(times_ms // QUARTER_MS, return_inverse=True)
        midnights = np.array([self._start(quarter) for quarter in quarters.tolist()], np.int64)
        return midnights[places]

    def _start(self, quarter: int) -> int:
        midnight = self._midnights.get(quarter)
        if midnight is None:
            if len(self._midnights) > 100_000:
                self._midnights.clear()
            midnight = self._midnights[quarter] = self._midnight(quarter * QUARTER_MS)
        return midnight

    def _midnight(self, time_ms: int) -> int:
        local = datetime.fromtimestamp(time_ms // 1000, self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return int(midnight.timestamp()) * 1000


class Scopes:
    """Numbers for scopes, and the scopes that a measurement counts in, by its names."""

    def __init__(self) -> None:
        self.rows: list[ScopeRow] = []
        self._numbers: dict[ScopeRow, int] = {}
        self._sets: dict[tuple[str, ...], int] = {}
        self._starts: list[int] = [0]
        self._flat: list[int] = []

    def number(self, row: ScopeRow) -> int:
        """The scope's number, given out when it is first asked for."""
        number = self._numbers.get(row)
        if number is None:
            number = self._numbers[row] = len(self.rows)
            self.rows.append(row)
        return number

    def expand(self, measurements: Sequence[Measurement]) -> tuple[Integers, Integers]:
        """For every (measurement, scope): the measurement's place and the scope's number."""
        sets = np.array([self._set(m) for m in measurements], np.int64)
        starts = np.array(self._starts, np.int64)
        first, lengths = starts[sets], starts[sets + 1] - starts[sets]
        places = np.repeat(np.arange(len(sets)), lengths)
        within = np.arange(len(places)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return places, np.array(self._flat, np.int64)[first[places] + within]

    def _set(self, m: Measurement) -> int:
        names = (m.department, m.team, m.employee, m.channel, m.category)
        place = self._sets.get(names)
        if place is None:
            place = self._sets[names] = len(self._starts) - 1
            self._flat.extend(self.number(row) for row in _scopes_of(*names))
            self._starts.append(len(self._flat))
        return place


def _scopes_of(
    department: str, team: str, employee: str, channel: str, category: str
) -> Iterator[ScopeRow]:
    yield ScopeRow("", _ORGANISATION, "")
    if channel:
        yield ScopeRow("", _CHANNEL, channel)
    if category:
        yield ScopeRow("", _CATEGORY, category)
    if department:
        yield ScopeRow(department, _DEPARTMENT, department)
        if team:
            yield ScopeRow(department, _TEAM, team)
        if employee:
            yield ScopeRow(department, _EMPLOYEE, employee)


class _Columns:
    """Sums under sorted keys: ``sums[i]`` belongs to ``keys[i]``."""

    __slots__ = ("keys", "sums")

    def __init__(self, width: int) -> None:
        self.keys: Integers = np.empty(0, np.int64)
        self.sums: Integers = np.empty((0, width), np.int64)

    def add(self, keys: Integers, sums: Integers) -> None:
        """Add sums under sorted, distinct keys."""
        places, known = self._find(keys)
        self.sums[places[known]] += sums[known]
        self._insert(places, keys, sums, ~known)

    def replace(self, keys: Integers, sums: Integers) -> None:
        """Set sums under sorted, distinct keys."""
        places, known = self._find(keys)
        self.sums[places[known]] = sums[known]
        self._insert(places, keys, sums, ~known)

    def take(self, keys: Integers) -> Integers:
        """The sums under keys that are all there."""
        return self.sums[np.searchsorted(self.keys, keys)]

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the others."""
        self.keys, self.sums = self.keys[mask], self.sums[mask]

    def _find(self, keys: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        places = np.searchsorted(self.keys, keys)
        known = np.zeros(len(keys), np.bool_)
        inside = places < len(self.keys)
        known[inside] = self.keys[places[inside]] == keys[inside]
        return places, known

    def _insert(
        self, places: Integers, keys: Integers, sums: Integers, new: NDArray[np.bool_]
    ) -> None:
        if new.any():
            self.keys = np.insert(self.keys, places[new], keys[new])
            self.sums = np.insert(self.sums, places[new], sums[new], axis=0)


class _Pane:
    """One interval: the cells' n, total and good, and the buckets of their sketches."""

    __slots__ = ("buckets", "cells", "touched")

    def __init__(self) -> None:
        self.cells = _Columns(3)
        self.buckets = _Columns(1)
        self.touched: list[Integers] = []

    def add_buckets(self, keys: Integers, counts: Integers) -> None:
        self.buckets.add(keys, counts)
        if not self.buckets.sums.all():
            self.buckets.keep(self.buckets.sums[:, 0] != 0)

    def take_touched(self) -> Integers:
        touched, self.touched = self.touched, []
        return touched[0] if len(touched) == 1 else np.unique(np.concatenate(touched))


class PaneStore:
    """The panes of one input partition."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._days = Days(zone)
        self._scopes = Scopes()
        self._panes: dict[PaneKey, _Pane] = {}
        self._touched: set[PaneKey] = set()

    def __len__(self) -> int:
        return len(self._panes)

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return sum(len(pane.cells.keys) for pane in self._panes.values())

    # -- booking --------------------------------------------------------------------------------

    def book(self, measurements: Sequence[Measurement], watermark_ms: int) -> None:
        """Add measurements (or with their sign -1 take them back) in every pane still kept."""
        if not measurements:
            return
        places, scopes = self._scopes.expand(measurements)
        table = np.array(
            [(m.indicator, m.sign, m.time_ms, m.value, m.good) for m in measurements], np.int64
        )
        indicators, signs, times, values, good = table.T
        sums = np.stack((signs, signs * values, signs * good), axis=1)
        buckets = histograms.buckets_of(indicators, values) + 1
        rows = _Rows(scopes << _INDICATOR_BITS | indicators[places], sums[places], buckets[places])
        for level, starts in self._starts(times):
            kept = starts >= watermark_ms - KEPT_MS[level]
            self._merge(level, starts[places], rows, kept[places])
        gauges = _IS_GAUGE[indicators]
        self._merge(TOTAL, np.zeros(len(places), np.int64), rows, gauges[places])

    def _starts(self, times: Integers) -> Iterator[tuple[int, Integers]]:
        yield MINUTE, times - times % MINUTE_MS
        yield QUARTER, times - times % QUARTER_MS
        yield DAY, self._days.starts(times)

    def _merge(self, level: int, starts: Integers, rows: _Rows, kept: NDArray[np.bool_]) -> None:
        if not kept.any():
            return
        distinct, codes = np.unique(starts[kept], return_inverse=True)
        keys = codes << _START_SHIFT | rows.keys[kept]
        for code, cells, sums in _reduced(keys, rows.sums[kept]):
            key = PaneKey(level, int(distinct[code]))
            pane = self._open(key)
            pane.cells.add(cells, sums)
            pane.touched.append(cells)
            self._touched.add(key)
        self._merge_buckets(level, distinct, keys, rows, kept)

    def _merge_buckets(
        self,
        level: int,
        distinct: Integers,
        keys: Integers,
        rows: _Rows,
        kept: NDArray[np.bool_],
    ) -> None:
        buckets = rows.buckets[kept]
        timed = buckets >= 0
        if not timed.any():
            return
        cells = keys[timed] & (1 << _START_SHIFT) - 1
        codes = keys[timed] >> _START_SHIFT
        # Two sorts, for the three parts together may pass 63 bits.
        order = np.lexsort((cells << _BUCKET_BITS | buckets[timed], codes))
        bucket_keys = (cells << _BUCKET_BITS | buckets[timed])[order]
        counts = rows.sums[kept][timed][order, :1]
        codes = codes[order]
        edges = np.flatnonzero(np.diff(codes)) + 1
        for part_keys, part_counts, code in zip(
            np.split(bucket_keys, edges),
            np.split(counts, edges),
            codes[np.concatenate(([0], edges))].tolist(),
            strict=True,
        ):
            pane = self._panes[PaneKey(level, int(distinct[code]))]
            pane.add_buckets(*_summed(part_keys, part_counts))

    def _open(self, key: PaneKey) -> _Pane:
        pane = self._panes.get(key)
        if pane is None:
            pane = self._panes[key] = _Pane()
        return pane

    # -- what is stored -------------------------------------------------------------------------

    def take_touched(self) -> dict[str, list[Cell]]:
        """The cells booked since the last call, by department, with their absolute sums."""
        by_department: dict[str, list[Cell]] = {}
        for key in sorted(self._touched):
            keys = self._panes[key].take_touched()
            for department, cell in self._cells(key, keys):
                by_department.setdefault(department, []).append(cell)
        self._touched.clear()
        return by_department

    def slice_after(self, last: PaneKey | None, budget: int) -> tuple[list[PaneKey], bool]:
        """The next panes in order, holding about ``budget`` cells, and whether they are the last
        of a round."""
        ahead = sorted(key for key in self._panes if last is None or key > last)
        taken: list[PaneKey] = []
        cells = 0
        for key in ahead:
            if cells >= budget:
                break
            taken.append(key)
            cells += len(self._panes[key].cells.keys)
        return taken, len(taken) == len(ahead)

    def cells_of(self, key: PaneKey) -> dict[str, list[Cell]]:
        """All cells of one pane by department."""
        by_department: dict[str, list[Cell]] = {}
        for department, cell in self._cells(key, self._panes[key].cells.keys):
            by_department.setdefault(department, []).append(cell)
        return by_department

    def _cells(self, key: PaneKey, keys: Integers) -> Iterator[tuple[str, Cell]]:
        pane = self._panes[key]
        level, start = key
        rows = self._scopes.rows
        flat, ends = _flat_sketches(pane.buckets, keys)
        first = 0
        for cell_key, (n, total, good), end in zip(
            keys.tolist(), pane.cells.take(keys).tolist(), ends, strict=True
        ):
            department, kind, name = rows[cell_key >> _INDICATOR_BITS]
            buckets = flat[first:end] if end > first else None
            first = end
            indicator = cell_key & _INDICATOR_MASK
            yield department, Cell(level, start, kind, name, indicator, n, total, good, buckets)

    def drop_expired(self, watermark_ms: int) -> None:
        """Forget the panes that no level keeps any more."""
        for key in [k for k in self._panes if self._is_expired(k, watermark_ms)]:
            del self._panes[key]
            self._touched.discard(key)

    @staticmethod
    def _is_expired(key: PaneKey, watermark_ms: int) -> bool:
        return key.level != TOTAL and key.start_ms < watermark_ms - KEPT_MS[key.level]

    def restore(self, department: str, cells: Iterable[Cell]) -> None:
        """Take absolute cells from a changelog."""
        by_pane: dict[PaneKey, dict[int, Cell]] = {}
        for cell in cells:
            scope = self._scopes.number(ScopeRow(department, cell.kind, cell.id))
            key = scope << _INDICATOR_BITS | cell.indicator
            by_pane.setdefault(PaneKey(cell.level, cell.start_ms), {})[key] = cell
        for pane_key, by_key in by_pane.items():
            self._replace(self._open(pane_key), by_key)

    @staticmethod
    def _replace(pane: _Pane, by_key: dict[int, Cell]) -> None:
        ordered = sorted(by_key.items())
        keys = np.array([key for key, _ in ordered], np.int64)
        pane.cells.replace(keys, np.array([(c.n, c.total, c.good) for _, c in ordered], np.int64))
        pane.buckets.keep(~np.isin(pane.buckets.keys >> _BUCKET_BITS, keys))
        flat = [
            (key << _BUCKET_BITS | bucket + 1, count)
            for key, cell in ordered
            for bucket, count in _pairs(cell.sketch)
        ]
        if flat:
            table = np.array(flat, np.int64)
            pane.buckets.add(table[:, 0], table[:, 1:])


class _Rows(NamedTuple):
    """Measurements by scope: cell keys, their sums, and bucket + 1 (-1 without one)."""

    keys: Integers
    sums: Integers
    buckets: Integers


def _reduced(keys: Integers, sums: Integers) -> Iterator[tuple[int, Integers, Integers]]:
    """(start code, distinct cell keys, their sums) for every start code, ascending."""
    order = np.argsort(keys, kind="stable")
    distinct, totals = _summed(keys[order], sums[order])
    codes = distinct >> _START_SHIFT
    cells = distinct & (1 << _START_SHIFT) - 1
    edges = np.flatnonzero(np.diff(codes)) + 1
    bounds = [0, *edges.tolist(), len(codes)]
    for first, last in pairwise(bounds):
        yield int(codes[first]), cells[first:last], totals[first:last]


def _summed(keys: Integers, sums: Integers) -> tuple[Integers, Integers]:
    """Distinct keys and the sums under each, of sorted keys."""
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(keys)) + 1))
    return keys[firsts], np.add.reduceat(sums, firsts, axis=0)


def _flat_sketches(buckets: _Columns, keys: Integers) -> tuple[list[int], list[int]]:
    """Bucket, count, bucket, count, … of each cell in turn (the wire form), and where each ends."""
    low = np.searchsorted(buckets.keys, keys << _BUCKET_BITS)
    high = np.searchsorted(buckets.keys, (keys + 1) << _BUCKET_BITS)
    lengths = high - low
    ends = np.cumsum(lengths)
    places = np.arange(lengths.sum()) + np.repeat(low - ends + lengths, lengths)
    flat = np.empty(2 * len(places), np.int64)
    flat[0::2] = (buckets.keys[places] & _BUCKET_MASK) - 1
    flat[1::2] = buckets.sums[places, 0]
    return flat.tolist(), (2 * ends).tolist()


def _pairs(flat: list[int] | None) -> Iterator[tuple[int, int]]:
    iterator = iter(flat or ())
    return zip(iterator, iterator, strict=True)
