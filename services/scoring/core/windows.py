"""Windows that move: absolute cells come in, exact sums per window come out.

Minutes make the windows of 5 minutes to an hour, quarter-hours those of 24 hours and 7 days,
calendar days that of 30 days. A window's sums change by what a pane's cell changed, and by the
panes that enter and leave when time moves, so a figure costs what has changed and not what the
window holds. Sums are integers: what was added is subtracted without a trace.

Nothing here looks at cells one by one: cells are columns, and a pane is looked at once for all of
its cells that came together.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.cell_batch import INDICATOR_BITS, CellBatch, Part, batch_of
from services.scoring.core.columns import Column, Integers, grown, run_starts
from services.scoring.core.figures import Summary
from services.scoring.core.held_pane import CellValues, Change, HeldPane, cell_keys
from services.scoring.core.series_numbers import SeriesNumbers
from services.scoring.core.series_sums import SeriesSums
from shared.contracts.figures import WindowName
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, ScopeName
from shared.contracts.scopes import SCOPE_KINDS, Scope

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS
DAY_MS: Final = 86_400_000

_LEVEL_BITS: Final = 2
_LEVEL_MASK: Final = (1 << _LEVEL_BITS) - 1


class WindowSpec(NamedTuple):
    """A window, the level of its panes, and its length in panes."""

    name: WindowName
    level: int
    panes: int


SPECS: Final = (
    WindowSpec("5m", MINUTE, 5),
    WindowSpec("15m", MINUTE, 15),
    WindowSpec("1h", MINUTE, 60),
    WindowSpec("24h", QUARTER, 96),
    WindowSpec("7d", QUARTER, 672),
    WindowSpec("30d", DAY, 30),
)
PLACE: Final[dict[WindowName, int]] = {spec.name: place for place, spec in enumerate(SPECS)}
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
_IS_GAUGE: Final = np.zeros(1 << INDICATOR_BITS, np.bool_)
_IS_GAUGE[: len(INDICATOR_IDS)] = [INDICATORS[name].kind == "gauge" for name in INDICATOR_IDS]


class Span(NamedTuple):
    """``[start_ms, end_ms)``."""

    start_ms: int
    end_ms: int


def midnight(day: date, zone: ZoneInfo) -> int:
    """When a calendar day begins, in ms."""
    return int(datetime.combine(day, time(), zone).timestamp()) * 1000


def span_of(spec: WindowSpec, stream_ms: int, zone: ZoneInfo) -> Span:
    """The window at a stream time: it ends with the pane that holds the instant."""
    if spec.level == DAY:
        today = datetime.fromtimestamp(stream_ms // 1000, zone).date()
        first = today - timedelta(days=spec.panes - 1)
        return Span(midnight(first, zone), midnight(today + timedelta(days=1), zone))
    pane = MINUTE_MS if spec.level == MINUTE else QUARTER_MS
    end = stream_ms - stream_ms % pane + pane
    return Span(end - spec.panes * pane, end)


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

    def drop_before(self, start_ms: int) -> None:
        keep = bisect_left(self.starts, start_ms)
        for start in self.starts[:keep]:
            del self.panes[start]
        del self.starts[:keep]


class PaneWindows:
    """The windows of all scopes in one partition of panes.

    Scopes are small integers here, given out by `scope_id`. Before the first `advance` cells are
    only kept. `take_changed` tells which windows of which scope have other sums than before.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._levels = {level: _Level() for level in _LEVELS}
        self._series = SeriesNumbers()
        self._sums = SeriesSums(len(SPECS))
        self._spans: list[Span] | None = None
        self._totals = HeldPane()
        self._gauges: Integers = np.zeros(0, np.int64)
        self._gauge_told: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._scopes: list[Scope] = []
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
            self._scopes.append(Scope(SCOPE_KINDS[kind], department, id_))
            self._kinds.extend([kind])
        return number

    def scope(self, scope_id: int) -> Scope:
        """The inverse of `scope_id`."""
        return self._scopes[scope_id]

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
        """Replace cells; the parts follow one another. Returns by scope the place of the last part
        that changed its windows, or may change them when time begins; -1 where none did."""
        batch = batch_of(parts, self._scope_id)
        series = self._series.place(batch.scope, batch.indicator)
        self._reach()
        panes = batch.start_ms << _LEVEL_BITS | batch.level
        order = np.argsort(panes, kind="stable")
        panes, series, batch = panes[order], series[order], batch.take(order)
        last_part = np.full(len(self._scopes), -1, np.int64)
        starts = run_starts(panes)
        for pane, rows in zip(panes[starts].tolist(), _slices(starts, len(panes)), strict=True):
            changed, bits = self._replace(pane & _LEVEL_MASK, pane >> _LEVEL_BITS, batch, series, rows)
            if bits and len(changed):
                scopes = batch.scope[rows][changed]
                self._changed[scopes] |= np.uint8(bits)
                np.maximum.at(last_part, scopes, batch.part[rows][changed])
        return last_part

    def _reach(self) -> None:
        """Make room for all scopes and series."""
        series = len(self._series)
        self._sums.reach(series)
        self._gauges = grown(self._gauges, series)
        for level in self._levels.values():
            level.ahead = grown(level.ahead, series)
        self._gauge_told = grown(self._gauge_told, series)
        self._changed = grown(self._changed, len(self._scopes))

    def _replace(
        self, level: int, start_ms: int, batch: CellBatch, series: Integers, rows: slice
    ) -> tuple[Integers, int]:
        """Replace the cells of one pane: the rows that say something new, and the windows (as
        bits) which that changes."""
        keys = cell_keys(series[rows], batch.source[rows])
        values = CellValues(
            batch.n[rows], batch.total[rows], batch.good[rows], batch.sketches.part(rows)
        )
        if level == TOTAL:
            changed, change = self._totals.replace(keys, values)
            self._book_totals(change)
            return changed, ALL_WINDOWS
        if self._is_over(level, start_ms):
            return keys, 0
        changed, change = self._levels[level].open(start_ms).replace(keys, values)
        return changed, self._book(level, start_ms, change)

    def _book_totals(self, change: Change) -> None:
        np.add.at(self._gauges, change.series, change.total)
        self._gauge_told[change.series] = True
        self._sums.touch(_EVERY_WINDOW, change.series)

    def _book(self, level: int, start_ms: int, change: Change) -> int:
        """Add a change to the windows that hold its pane, and return these as bits."""
        if self._spans is None:
            return ALL_WINDOWS
        if start_ms >= self._end(level):
            self._book_ahead(level, change)
            return 0
        windows = [w for w in _OF_LEVEL[level] if start_ms >= self._spans[w].start_ms]
        self._sums.add(windows, change)
        return sum(1 << window for window in windows)

    def _book_ahead(self, level: int, change: Change) -> Integers:
        """Keep the changes of gauges apart; the series that have any."""
        rows = np.flatnonzero(_IS_GAUGE[self._series.indicator[change.series]])
        series = change.series[rows]
        np.add.at(self._levels[level].ahead, series, change.total[rows])
        self._sums.touch(_OF_LEVEL[level], series)
        return series

    def _end(self, level: int) -> int:
        """Where the windows of a level end."""
        assert self._spans is not None
        return self._spans[_OF_LEVEL[level][0]].end_ms

    def _is_over(self, level: int, start_ms: int) -> bool:
        """Whether no window can ever hold the pane any more."""
        return self._spans is not None and start_ms < self._oldest(level)

    def _oldest(self, level: int) -> int:
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
        return moved

    def _begin(self, spans: list[Span]) -> None:
        self._spans = spans
        for place, level in self._levels.items():
            level.drop_before(self._oldest(place))
            for start in level.starts:
                self._book(place, start, level.panes[start].all())
        self._changed[:] = ALL_WINDOWS

    def _move(self, place: int, level: _Level, before: list[Span], after: list[Span]) -> None:
        for window in _OF_LEVEL[place]:
            old, new = before[window], after[window]
            for start in level.between(old.start_ms, min(new.start_ms, old.end_ms)):
                self._shift(window, level.panes[start].all().less())
            for start in level.between(max(old.end_ms, new.start_ms), new.end_ms):
                self._shift(window, level.panes[start].all())
        window = _OF_LEVEL[place][0]
        self._overtake(place, level, before[window].end_ms, after[window].end_ms)
        level.drop_before(self._oldest(place))
        if place == QUARTER:
            self._sums.clear_buckets()

    def _shift(self, window: int, change: Change) -> None:
        self._sums.add((window,), change)
        self._mark(change.series, 1 << window)

    def _overtake(self, place: int, level: _Level, old_end_ms: int, end_ms: int) -> None:
        """Changes of gauges that lay ahead of the windows' end lie behind it now."""
        for start in level.between(old_end_ms, end_ms):
            gauges = self._book_ahead(place, level.panes[start].all().less())
            self._mark(gauges, _MASK_OF_LEVEL[place])

    def _mark(self, series: Integers, bits: int) -> None:
        self._changed[self._series.scope[series]] |= np.uint8(bits)

    def next_change(self, after_ms: int, until_ms: int) -> Iterator[int]:
        """Instants in ``(after_ms, until_ms]`` at which panes enter or leave a window: the end of
        a pane that enters, and the moment from which one has left. Unordered, with repetitions."""
        assert self._spans is not None
        for window, spec in enumerate(SPECS):
            level = self._levels[spec.level]
            span, last = self._spans[window], span_of(spec, until_ms, self._zone)
            for start in level.between(span.end_ms, last.end_ms):
                yield self._pane_end(spec.level, start)
            for start in level.between(span.start_ms, last.start_ms):
                yield self._leaves_at(spec, start)

    def _pane_end(self, level: int, start_ms: int) -> int:
        if level != DAY:
            return start_ms + (MINUTE_MS if level == MINUTE else QUARTER_MS)
        return self._days_later(start_ms, 1)

    def _leaves_at(self, spec: WindowSpec, start_ms: int) -> int:
        if spec.level == DAY:
            return self._days_later(start_ms, spec.panes + 1)
        pane = MINUTE_MS if spec.level == MINUTE else QUARTER_MS
        return start_ms + (spec.panes + 1) * pane

    def _days_later(self, start_ms: int, days: int) -> int:
        day = datetime.fromtimestamp(start_ms // 1000, self._zone).date()
        return midnight(day + timedelta(days=days), self._zone)

    # -- reading --------------------------------------------------------------------------------

    def take_changed(self) -> NDArray[np.uint8]:
        """By scope, the windows (as bits) whose sums changed since the last call."""
        changed = grown(self._changed, len(self._scopes))[: len(self._scopes)]
        self._changed = np.zeros(len(changed), np.uint8)
        return changed

    def occupied(self, window: int) -> Integers:
        """Scopes with anything in a window, ascending."""
        series = np.concatenate((self._sums.occupied(window), np.flatnonzero(self._gauges)))
        return np.unique(self._series.scope[series])

    def span(self, window: int) -> Span:
        """Where a window lies now."""
        assert self._spans is not None
        return self._spans[window]

    def indicators(self, scope_id: int) -> list[int]:
        """Places of the indicators ever seen of a scope."""
        return [p for p in self._series.indicators(scope_id) if p < len(INDICATOR_IDS)]

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
        if _IS_GAUGE[indicator]:
            return self._gauge(window, series)
        n, total, good = self._sums.numbers(window, series)
        sketch = self._sums.sketch(window, series)
        if not (n or total or good or sketch):
            return None
        return Summary(n, total, good, sketch)

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


def _slices(starts: Integers, size: int) -> Iterator[slice]:
    for first, last in pairwise([*starts.tolist(), size]):
        yield slice(first, last)
