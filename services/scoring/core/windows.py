"""Windows that move: absolute cells come in, exact sums per window come out.

Minutes make the windows of 5 minutes to an hour, quarter-hours those of 24 hours and 7 days,
calendar days that of 30 days. A window's sums change by what a pane's cell changed, and by the
panes that enter and leave when time moves, so a figure costs what has changed and not what the
window holds. Sums are integers: what was added is subtracted without a trace. What changed in a
minute also changes the quarter-hour and the day around it, until their source has sealed them.

Cells are those of leaves, sums those of scopes (`roll_up`).

Nothing here looks at cells one by one: cells are columns, and a pane is looked at once for all of
its cells that came together.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from bellwether_native import WindowSums
from numpy.typing import NDArray

from services.scoring.core.cell_batch import (
    INDICATOR_BITS,
    MAX_SOURCES,
    CellBatch,
    CellValues,
    Part,
    Sketches,
    batch_of,
)
from services.scoring.core.changes import Change, RowChanges, difference, joined
from services.scoring.core.columns import Column, Integers, grown, run_starts
from services.scoring.core.figures import Summary
from services.scoring.core.held_pane import NO_VALUES, HeldPane
from services.scoring.core.key_index import KeyIndex
from services.scoring.core.open_panes import OpenPanes, Pane
from services.scoring.core.roll_up import RollUp
from services.scoring.core.series_numbers import SeriesNumbers
from services.scoring.core.window_spans import SPECS, Span, leaves_at, pane_end, span_of
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL
from shared.contracts.scopes import SCOPE_KINDS, Scope, ScopeName

_SOURCE_BITS: Final = MAX_SOURCES.bit_length() - 1
_START_BITS: Final = 60
_START_MASK: Final = (1 << _START_BITS) - 1
_START_OFFSET: Final = 1 << (_START_BITS - 1)
_AWAKE_PANES: Final = 16
_IDLE_MS: Final = 15_000

_LEVELS: Final = (MINUTE, QUARTER, DAY)
_OF_LEVEL: Final = {
    level: tuple(place for place, spec in enumerate(SPECS) if spec.level == level)
    for level in _LEVELS
}
_MASK_OF_LEVEL: Final = {
    level: sum(1 << place for place in places) for level, places in _OF_LEVEL.items()
}
ALL_WINDOWS: Final = (1 << len(SPECS)) - 1
_EVERY_WINDOW: Final = tuple(range(len(SPECS)))
_GAUGES: Final = frozenset(
    place for place, name in enumerate(INDICATOR_IDS) if INDICATORS[name].kind == "gauge"
)
_IS_GAUGE: Final = np.zeros(1 << INDICATOR_BITS, np.bool_)
_IS_GAUGE[list(_GAUGES)] = True


class _Level:
    """The panes of one level by their start, and by series the changes of gauges in panes that
    lie ahead of the windows' end."""

    def __init__(self) -> None:
        self.panes: dict[int, HeldPane] = {}
        self.starts: list[int] = []
        self.ahead: Integers = np.zeros(0, np.int64)

    def open(self, start_ms: int) -> HeldPane:
        pane = self.panes.get(start_ms)
        if pane is None:
            pane = self.panes[start_ms] = HeldPane()
            insort(self.starts, start_ms)
        return pane

    def between(self, start_ms: int, end_ms: int) -> list[int]:
        """Starts of panes in ``[start_ms, end_ms)``."""
        return self.starts[bisect_left(self.starts, start_ms) : bisect_left(self.starts, end_ms)]

    def drop_before(self, start_ms: int, is_needed: Callable[[HeldPane, int], bool]) -> None:
        """Panes and their starts are asked for whether they are needed all the same."""
        end = bisect_left(self.starts, start_ms)
        old = self.starts[:end]
        self.starts[:end] = [start for start in old if is_needed(self.panes[start], start)]
        for start in set(old).difference(self.starts[:end]):
            del self.panes[start]


class _Holders(NamedTuple):
    """Which windows of its level hold a pane, or that it lies ahead of them all."""

    level: int
    ahead: bool
    windows: tuple[int, ...]


class _PaneRows(NamedTuple):
    """The rows of a pane whose cells all lie in the same open panes."""

    pane: Pane
    open_above: tuple[Pane, ...]
    rows: slice


class _Rows(NamedTuple):
    """Cells in order of their panes, with their numbers, none twice; where each pane is."""

    batch: CellBatch
    series: Integers
    cells: Integers
    panes: list[_PaneRows]


class _Rolled(NamedTuple):
    """What cells change in the series of scopes, by row; where each pane is among these rows, and
    the cell's row that each is of."""

    changes: RowChanges
    series: Integers
    panes: list[_PaneRows]
    of_row: Integers


class PaneWindows:
    """The windows of all scopes in one partition of panes.

    Scopes are small integers here, given out by `scope_id`. Before the first `advance` cells are
    only kept. `take_changed` tells which windows of which scope may have other sums than before.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._levels = {level: _Level() for level in _LEVELS}
        self._series = SeriesNumbers()
        self._roll_up = RollUp(self._scope_id, self._series)
        self._sums = WindowSums(len(SPECS))
        self._spans: list[Span] | None = None
        self._cells = KeyIndex()
        self._open = OpenPanes(zone)
        self._totals = HeldPane()
        self._awake: dict[HeldPane, int] = {}
        self._looked_ms = self._looks = 0
        self._gauges: Integers = np.zeros(0, np.int64)
        self._gauge_told: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._scopes: list[Scope] = []
        self._keys: list[str] = []
        self._kinds = Column()
        self._ids: dict[ScopeName, int] = {}
        self._changed: NDArray[np.uint8] = np.zeros(0, np.uint8)

    # -- scopes ---------------------------------------------------------------------------------

    def scope_id(self, scope: Scope) -> int:
        """The number of a scope, given out when it is first asked for."""
        return self._scope_id((scope.department, SCOPE_KINDS.index(scope.kind), scope.id))

    def _scope_id(self, name: ScopeName) -> int:
        number = self._ids.get(name)
        if number is None:
            number = self._ids[name] = len(self._scopes)
            department, kind, id_ = name
            scope = Scope(SCOPE_KINDS[kind], department, id_)
            self._scopes.append(scope)
            self._keys.append(scope.key)
            self._kinds.extend([kind])
        return number

    def scope(self, scope_id: int) -> Scope:
        """The inverse of `scope_id`."""
        return self._scopes[scope_id]

    def scope_key(self, scope_id: int) -> str:
        """The `Scope.key` of a scope."""
        return self._keys[scope_id]

    @property
    def scopes(self) -> int:
        """How many scopes are known."""
        return len(self._scopes)

    @property
    def kinds(self) -> Integers:
        """The kind of each scope, a place in SCOPE_KINDS."""
        return self._kinds.values

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return sum(len(pane) for level in self._levels.values() for pane in level.panes.values())

    # -- cells ----------------------------------------------------------------------------------

    def apply(self, parts: Sequence[Part]) -> Integers:
        """Replace cells; the parts follow one another, and of a cell that is there twice the last
        counts. Returns by scope the place of the last part that changed its windows, or may have:
        what goes from one leaf of a scope to another changes nothing in its sums, and before time
        begins nobody knows. -1 where none did."""
        batch = batch_of(parts, self._roll_up.leaf_ids)
        rows = self._rows(self._open.stated(parts, batch))
        changes = difference(*self._swap(rows))
        self._derive(rows, changes)
        rolled = self._rolled(rows, changes)
        bits = self._book(rolled)
        changed = rolled.changes.rows
        changed = changed[bits[changed] != 0]
        scopes = self._series.owner[rolled.series[changed]]
        np.bitwise_or.at(self._changed, scopes, bits[changed])
        last_part = np.full(len(self._scopes), -1, np.int64)
        np.maximum.at(last_part, scopes, rows.batch.part[rolled.of_row[changed]])
        return last_part

    def _rows(self, batch: CellBatch) -> _Rows:
        """Number the cells, and put them in order of their panes. Those that are over are left
        out, and all but the last of those that are there twice."""
        series = self._roll_up.series(batch.leaf, batch.indicator)
        cells = self._cells.place(series << _SOURCE_BITS | batch.source)
        self._reach()
        panes = _pane_numbers(batch.level, batch.start_ms)
        runs = panes << 1 | self._open.lie_in_open(batch)
        order = np.lexsort((cells, runs))
        cells, runs = cells[order], runs[order]
        last = np.ones(len(order), np.bool_)
        last[:-1] = (cells[1:] != cells[:-1]) | (runs[1:] != runs[:-1])
        if self._spans is not None:
            panes = runs >> 1
            levels = _level_of(panes)
            is_derived_from = (levels == MINUTE) & (runs & 1 == 1)
            last &= is_derived_from | (panes >= self._oldest_panes()[levels])
        if not last.all():
            order, cells, runs = order[last], cells[last], runs[last]
        return _Rows(batch.take(order), series[order], cells, list(self._pane_rows(runs)))

    def _pane_rows(self, runs: Integers) -> Iterator[_PaneRows]:
        starts = run_starts(runs)
        bounds = pairwise([*starts.tolist(), len(runs)])
        for number, (first, last) in zip(runs[starts].tolist(), bounds, strict=True):
            level = number >> _START_BITS + 1
            start_ms = (number >> 1 & _START_MASK) - _START_OFFSET
            above = self._open.above(level, start_ms) if number & 1 else ()
            yield _PaneRows((level, start_ms), above, slice(first, last))

    def _oldest_panes(self) -> Integers:
        """By level, the first pane that a window can still hold."""
        oldest = [_pane_number(level, self._oldest(level)) for level in _LEVELS]
        return np.array([*oldest, _pane_number(TOTAL, 0)], np.int64)

    def _swap(self, rows: _Rows) -> tuple[CellValues, CellValues]:
        """Replace the cells: what they said, and what they say."""
        batch = rows.batch
        new = CellValues(batch.n, batch.total, batch.good, batch.sketches)
        entries = np.concatenate(([0], np.cumsum(batch.sketches.lengths)))
        old = [NO_VALUES]
        for pane, _, part in rows.panes:
            own = slice(int(entries[part.start]), int(entries[part.stop]))
            sketches = Sketches(
                batch.sketches.lengths[part], batch.sketches.bucket[own], batch.sketches.counts[own]
            )
            values = CellValues(batch.n[part], batch.total[part], batch.good[part], sketches)
            held = self._pane(*pane)
            old.append(held.swap(rows.cells[part], len(self._cells), values))
        return joined(old), new

    def _pane(self, level: int, start_ms: int) -> HeldPane:
        """The pane, to be written to. When there are too many, the one that was not written to for
        longest comes to rest."""
        if level == TOTAL:
            return self._totals
        pane = self._levels[level].open(start_ms)
        self._awake.pop(pane, None)
        self._awake[pane] = self._looks
        if len(self._awake) > _AWAKE_PANES:
            self._rest(next(iter(self._awake)))
        return pane

    def _rest(self, pane: HeldPane) -> None:
        del self._awake[pane]
        pane.rest()

    def _rest_idle(self, stream_ms: int) -> None:
        """Now and then, let panes rest that were not written to since the last time."""
        if stream_ms - self._looked_ms < _IDLE_MS:
            return
        for pane in [pane for pane, look in self._awake.items() if look < self._looks]:
            self._rest(pane)
        self._looked_ms, self._looks = stream_ms, self._looks + 1

    def _derive(self, rows: _Rows, changes: RowChanges) -> None:
        """Add changes to the open panes that follow from them."""
        for _, open_above, part in rows.panes:
            if not open_above:
                continue
            # A view would keep the columns of the whole batch for as long as the changes wait.
            added = Change(*map(np.copy, changes.of_rows(part, rows.cells)))
            for level, start_ms in open_above:
                if self._spans is None or start_ms >= self._oldest(level):
                    self._pane(level, start_ms).add(added, len(self._cells))

    def _rolled(self, rows: _Rows, changes: RowChanges) -> _Rolled:
        """What the cells change in their scopes. Cells that say nothing new change nothing, but a
        gauge is told even if it is as high as without a word."""
        telling = rows.batch.level == TOTAL
        telling[changes.rows] = True
        (own,) = telling.nonzero()
        places, series = self._roll_up.over(rows.series[own])
        of_row = own[places]
        panes = []
        for pane, above, part in rows.panes:
            first, last = of_row.searchsorted((part.start, part.stop)).tolist()
            panes.append(_PaneRows(pane, above, slice(first, last)))
        return _Rolled(changes.take(of_row), series, panes, of_row)

    def _book(self, rolled: _Rolled) -> NDArray[np.uint8]:
        """Add changes to the windows that hold their panes, and the open ones that follow from
        them; these windows, as bits, by row."""
        bits = np.zeros(len(rolled.series), np.uint8)
        for same, part in _runs(self._held(each) for each in rolled.panes):
            bits[part] = self._book_one(same, rolled.changes.of_rows(part, rolled.series))
        return bits

    def _held(self, rows: _PaneRows) -> tuple[tuple[_Holders, ...], slice]:
        return tuple(self._holders(*pane) for pane in (rows.pane, *rows.open_above)), rows.rows

    def _holders(self, level: int, start_ms: int) -> _Holders:
        """Where changes of a pane are booked."""
        if level == TOTAL or self._spans is None:
            return _Holders(level, ahead=False, windows=())
        if start_ms >= self._end(level):
            return _Holders(level, ahead=True, windows=())
        windows = [w for w in _OF_LEVEL[level] if start_ms >= self._spans[w].start_ms]
        return _Holders(level, ahead=False, windows=tuple(windows))

    def _book_one(self, held: tuple[_Holders, ...], change: Change) -> int:
        if held[0].level == TOTAL:
            self._book_totals(change)
            return ALL_WINDOWS
        if self._spans is None:
            return ALL_WINDOWS
        for holders in held:
            if holders.ahead:
                self._book_ahead(holders.level, change)
        windows = [window for holders in held for window in holders.windows]
        self._sums.add(windows, change.sums, change.buckets)
        return sum(1 << window for window in windows)

    def _reach(self) -> None:
        """Make room for all scopes and series."""
        series = len(self._series)
        self._sums.reach(series)
        self._gauges = grown(self._gauges, series)
        for level in self._levels.values():
            level.ahead = grown(level.ahead, series)
        self._gauge_told = grown(self._gauge_told, series)
        self._changed = grown(self._changed, len(self._scopes))

    def _book_totals(self, change: Change) -> None:
        np.add.at(self._gauges, change.numbers, change.total)
        self._gauge_told[change.numbers] = True
        self._sums.touch(_EVERY_WINDOW, change.numbers)

    def _book_ahead(self, level: int, change: Change) -> Integers:
        """Keep the changes of gauges apart; the series that have any."""
        rows = np.flatnonzero(_IS_GAUGE[self._series.indicator[change.numbers]])
        series = change.numbers[rows]
        np.add.at(self._levels[level].ahead, series, change.total[rows])
        self._sums.touch(_OF_LEVEL[level], series)
        return series

    def _end(self, level: int) -> int:
        """Where the windows of a level end."""
        assert self._spans is not None
        return self._spans[_OF_LEVEL[level][0]].end_ms

    def _oldest(self, level: int) -> int:
        """When the first pane begins that a window can still hold."""
        assert self._spans is not None
        return min(self._spans[window].start_ms for window in _OF_LEVEL[level])

    # -- time -----------------------------------------------------------------------------------

    def advance(self, stream_ms: int) -> int:
        """Move all windows to a stream time (never back). Returns the windows (as bits) that
        moved."""
        spans = [span_of(spec, stream_ms, self._zone) for spec in SPECS]
        if self._spans is None:
            self._begin(spans)
            return ALL_WINDOWS
        before, self._spans = self._spans, spans
        moved = sum(1 << w for w in range(len(SPECS)) if spans[w] != before[w])
        for place, level in self._levels.items():
            if moved & _MASK_OF_LEVEL[place]:
                self._move(place, level, before, spans)
        self._rest_idle(stream_ms)
        return moved

    def _begin(self, spans: list[Span]) -> None:
        self._spans = spans
        for place, level in self._levels.items():
            self._drop_old(place, level)
            for start in level.starts:
                self._book_one((self._holders(place, start),), self._whole(level.panes[start]))
        self._changed[:] = ALL_WINDOWS

    def _move(self, place: int, level: _Level, before: list[Span], after: list[Span]) -> None:
        for window in _OF_LEVEL[place]:
            old, new = before[window], after[window]
            for start in level.between(old.start_ms, min(new.start_ms, old.end_ms)):
                self._shift(window, self._whole(level.panes[start]).less())
            for start in level.between(max(old.end_ms, new.start_ms), new.end_ms):
                self._shift(window, self._whole(level.panes[start]))
        window = _OF_LEVEL[place][0]
        self._overtake(place, level, before[window].end_ms, after[window].end_ms)
        self._drop_old(place, level)

    def _drop_old(self, place: int, level: _Level) -> None:
        is_needed = self._is_derived_from if place == MINUTE else _is_not_needed
        level.drop_before(self._oldest(place), is_needed)

    def _is_derived_from(self, minute: HeldPane, start_ms: int) -> bool:
        """Whether the quarter-hour is open for a source of the minute's cells: how they change must
        be known."""
        cells, _ = minute.all()
        sources = self._cells.keys[cells] & (MAX_SOURCES - 1)
        return self._open.has_quarter_of(start_ms, sources)

    def _whole(self, pane: HeldPane) -> Change:
        """What a pane adds to the sums that it enters."""
        cells, (n, total, good, sketches) = pane.all()
        rows, series = self._roll_up.over(self._cells.keys[cells] >> _SOURCE_BITS)
        lengths, bucket, counts = sketches.take(rows)
        of_bucket = series.repeat(lengths)
        return Change(series, n[rows], total[rows], good[rows], of_bucket, bucket, counts)

    def _shift(self, window: int, change: Change) -> None:
        self._sums.add([window], change.sums, change.buckets)
        self._mark(change.numbers, 1 << window)

    def _overtake(self, place: int, level: _Level, old_end_ms: int, end_ms: int) -> None:
        """Changes of gauges that lay ahead of the windows' end lie behind it now."""
        for start in level.between(old_end_ms, end_ms):
            gauges = self._book_ahead(place, self._whole(level.panes[start]).less())
            self._mark(gauges, _MASK_OF_LEVEL[place])

    def _mark(self, series: Integers, bits: int) -> None:
        self._changed[self._series.owner[series]] |= np.uint8(bits)

    def next_change(self, after_ms: int, until_ms: int) -> Iterator[int]:
        """Instants in ``(after_ms, until_ms]`` at which panes enter or leave a window: the end of
        a pane that enters, and the moment from which one has left. Unordered, with repetitions."""
        assert self._spans is not None
        for window, spec in enumerate(SPECS):
            level = self._levels[spec.level]
            span, last = self._spans[window], span_of(spec, until_ms, self._zone)
            for start in level.between(span.end_ms, last.end_ms):
                yield pane_end(spec.level, start, self._zone)
            for start in level.between(span.start_ms, last.start_ms):
                yield leaves_at(spec, start, self._zone)

    # -- reading --------------------------------------------------------------------------------

    def take_changed(self) -> NDArray[np.uint8]:
        """By scope, the windows (as bits) whose sums changed since the last call, or may have (see
        `apply`)."""
        changed = grown(self._changed, len(self._scopes))[: len(self._scopes)]
        self._changed = np.zeros(len(changed), np.uint8)
        return changed

    def occupied(self, window: int) -> Integers:
        """Scopes with anything in a window, ascending."""
        occupied = np.frombuffer(self._sums.occupied(window), np.int64)
        series = np.concatenate((occupied, np.flatnonzero(self._gauges)))
        return np.unique(self._series.owner[series])

    def span(self, window: int) -> Span:
        """Where a window lies now."""
        assert self._spans is not None
        return self._spans[window]

    def stamp(self, window: int, scope_id: int, indicator: int) -> int:
        """Grows when the sums of an indicator change in a window; 0 while there were none."""
        series = self._series.find(scope_id, indicator)
        return 0 if series is None else self._sums.stamp(window, series)

    def summary(self, window: int, scope_id: int, indicator: int) -> Summary | None:
        """The sums of an indicator in a window; a gauge's level at the window's end is its
        ``total``. None without data."""
        series = self._series.find(scope_id, indicator)
        if series is None:
            return None
        return self._summary(window, indicator, series)

    def summaries(self, window: int, scope_id: int) -> list[tuple[int, Summary | None]]:
        """The `summary` of every indicator ever seen of a scope, ascending by place."""
        return [
            (indicator, self._summary(window, indicator, series))
            for indicator, series in self._series.of_owner(scope_id)
            if indicator < len(INDICATOR_IDS)
        ]

    def _summary(self, window: int, indicator: int, series: int) -> Summary | None:
        if indicator in _GAUGES:
            return self._gauge(window, series)
        return self._sums.summary(window, series)

    def _gauge(self, window: int, series: int) -> Summary | None:
        if not self._gauge_told[series]:
            return None
        level = int(self._gauges[series] - self._levels[SPECS[window].level].ahead[series])
        return Summary(n=max(level, 0), total=level)

    @property
    def earliest_ms(self) -> int | None:
        """Start of the oldest minute kept."""
        starts = self._levels[MINUTE].starts
        return starts[0] if starts else None


def _pane_number(level: int, start_ms: int) -> int:
    """Ascending by level and start, also before 1970."""
    return level << _START_BITS | start_ms + _START_OFFSET


def _pane_numbers(level: Integers, start_ms: Integers) -> Integers:
    """`_pane_number` of many."""
    return level << _START_BITS | start_ms + _START_OFFSET


def _is_not_needed(_pane: HeldPane, _start_ms: int) -> bool:
    return False


def _level_of(panes: Integers) -> Integers:
    return panes >> _START_BITS


def _runs(
    parts: Iterable[tuple[tuple[_Holders, ...], slice]],
) -> Iterator[tuple[tuple[_Holders, ...], slice]]:
    """Neighbouring parts that are held by the same, as one."""
    for same, run in groupby(parts, key=itemgetter(0)):
        own = [part for _, part in run]
        yield same, slice(own[0].start, own[-1].stop)
