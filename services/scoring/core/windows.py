"""Windows that move: absolute cells come in, exact sums per window come out.

Minutes make the windows of 5 minutes to an hour, quarter-hours those of 24 hours and 7 days,
calendar days that of 30 days. A window's sums change by what a pane's cell changed, and by the
panes that enter and leave when time moves, so a figure costs what has changed and not what the
window holds. Sums are integers: what was added is subtracted without a trace.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from services.scoring.core.figures import Summary
from shared.contracts.figures import WindowName
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell
from shared.contracts.scopes import SCOPE_KINDS, Scope

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS
DAY_MS: Final = 86_400_000

_INDICATOR_BITS: Final = 6
_SOURCE_BITS: Final = 12
_INDICATOR_MASK: Final = (1 << _INDICATOR_BITS) - 1


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
_GAUGES: Final = frozenset(
    place for place, name in enumerate(INDICATOR_IDS) if INDICATORS[name].kind == "gauge"
)


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


class _Held(msgspec.Struct, gc=False):
    """What one source last said of one cell; the sketch rests as packed 32-bit integers."""

    n: int
    total: int
    good: int
    sketch: bytes | None


_NONE_HELD: Final = _Held(0, 0, 0, None)
_Pane = dict[int, _Held]


class _Level:
    """The panes of one level by their start."""

    def __init__(self) -> None:
        self.panes: dict[int, _Pane] = {}
        self.starts: list[int] = []
        self.ahead: dict[int, int] = {}

    def open(self, start_ms: int) -> _Pane:
        pane = self.panes.get(start_ms)
        if pane is None:
            pane = self.panes[start_ms] = {}
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
        self._sums: tuple[dict[int, Summary], ...] = tuple({} for _ in SPECS)
        self._spans: list[Span] | None = None
        self._totals: dict[int, int] = {}
        self._gauges: dict[int, int] = {}
        self._scopes: list[Scope] = []
        self._ids: dict[tuple[str, int, str], int] = {}
        self._seen: list[int] = []
        self._changed: dict[int, int] = {}

    # -- scopes ---------------------------------------------------------------------------------

    def scope_id(self, scope: Scope) -> int:
        """The number of a scope, given out when it is first asked for."""
        return self._scope_id(scope.department, SCOPE_KINDS.index(scope.kind), scope.id)

    def _scope_id(self, department: str, kind: int, name: str) -> int:
        key = (department, kind, name)
        number = self._ids.get(key)
        if number is None:
            number = self._ids[key] = len(self._scopes)
            self._scopes.append(Scope(SCOPE_KINDS[kind], department, name))
            self._seen.append(0)
        return number

    def scope(self, scope_id: int) -> Scope:
        """The inverse of `scope_id`."""
        return self._scopes[scope_id]

    @property
    def scopes(self) -> int:
        """How many scopes are known."""
        return len(self._scopes)

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return sum(len(pane) for level in self._levels.values() for pane in level.panes.values())

    # -- cells ----------------------------------------------------------------------------------

    def apply(self, source: int, department: str, cells: Iterable[Cell]) -> dict[int, int]:
        """Replace cells of one source. Returns the windows (as bits) by scope that it changed, or
        that it may change when time begins."""
        changed: dict[int, int] = {}
        for cell in cells:
            scope_id = self._scope_id(department, cell.kind, cell.id)
            series = scope_id << _INDICATOR_BITS | cell.indicator
            if cell.level == TOTAL:
                bits = self._replace_total(series, source, cell.total)
            else:
                bits = self._replace(series, source, cell)
            if bits:
                changed[scope_id] = changed.get(scope_id, 0) | bits
        for scope_id, bits in changed.items():
            self._changed[scope_id] = self._changed.get(scope_id, 0) | bits
        return changed

    def _replace_total(self, series: int, source: int, total: int) -> int:
        key = series << _SOURCE_BITS | source
        change = total - self._totals.get(key, 0)
        if not change:
            return 0
        self._totals[key] = total
        self._gauges[series] = self._gauges.get(series, 0) + change
        self._note(series)
        return ALL_WINDOWS

    def _replace(self, series: int, source: int, cell: Cell) -> int:
        level = self._levels[cell.level]
        if self._is_over(cell.level, cell.start_ms):
            return 0
        pane = level.open(cell.start_ms)
        key = series << _SOURCE_BITS | source
        old = pane.get(key, _NONE_HELD)
        new = _Held(cell.n, cell.total, cell.good, _packed(cell.sketch))
        if new == old:
            return 0
        pane[key] = new
        self._note(series)
        if self._spans is None:
            return ALL_WINDOWS
        return self._book(level, cell.level, cell.start_ms, series, _Change.between(old, new))

    def _book(self, level: _Level, place: int, start_ms: int, series: int, change: _Change) -> int:
        assert self._spans is not None
        bits = 0
        for window in _OF_LEVEL[place]:
            start, end = self._spans[window]
            if start_ms >= end:
                self._book_ahead(level, series, change.total)
                break
            if start_ms >= start:
                self._add(window, series, change)
                bits |= 1 << window
        return bits

    def _book_ahead(self, level: _Level, series: int, total: int) -> None:
        if series & _INDICATOR_MASK in _GAUGES:
            level.ahead[series] = level.ahead.get(series, 0) + total

    def _add(self, window: int, series: int, change: _Change) -> None:
        sums = self._sums[window]
        summary = sums.get(series)
        if summary is None:
            summary = sums[series] = Summary()
        summary.add(change.n, change.total, change.good)
        if change.gone:
            summary.add_buckets(change.gone, -1)
        if change.come:
            summary.add_buckets(change.come, 1)
        if summary.empty:
            del sums[series]

    def _is_over(self, level: int, start_ms: int) -> bool:
        """Whether no window can ever hold the pane any more."""
        return self._spans is not None and start_ms < self._oldest(level)

    def _oldest(self, level: int) -> int:
        assert self._spans is not None
        return min(self._spans[window].start_ms for window in _OF_LEVEL[level])

    def _note(self, series: int) -> None:
        self._seen[series >> _INDICATOR_BITS] |= 1 << (series & _INDICATOR_MASK)

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
                self._begin_pane(place, level, start)
        self._changed = dict.fromkeys(range(len(self._scopes)), ALL_WINDOWS)

    def _begin_pane(self, place: int, level: _Level, start_ms: int) -> None:
        for series, change in _changes(level.panes[start_ms], 1):
            self._book(level, place, start_ms, series, change)

    def _move(self, place: int, level: _Level, before: list[Span], after: list[Span]) -> None:
        for window in _OF_LEVEL[place]:
            old, new = before[window], after[window]
            leaving = level.between(old.start_ms, min(new.start_ms, old.end_ms))
            entering = level.between(max(old.end_ms, new.start_ms), new.end_ms)
            self._shift(window, level, leaving, -1)
            self._shift(window, level, entering, 1)
        window = _OF_LEVEL[place][0]
        self._overtake(place, level, before[window].end_ms, after[window].end_ms)
        level.drop_before(self._oldest(place))

    def _shift(self, window: int, level: _Level, starts: Iterable[int], sign: int) -> None:
        for start in starts:
            for series, change in _changes(level.panes[start], sign):
                self._add(window, series, change)
                self._mark(series, 1 << window)

    def _overtake(self, place: int, level: _Level, old_end_ms: int, end_ms: int) -> None:
        """Changes of gauges that lay ahead of the windows' end lie behind it now."""
        if not level.ahead:
            return
        for start in level.between(old_end_ms, end_ms):
            for key, held in level.panes[start].items():
                series = key >> _SOURCE_BITS
                if series in level.ahead:
                    level.ahead[series] -= held.total
                    self._mark(series, _MASK_OF_LEVEL[place])

    def _mark(self, series: int, bits: int) -> None:
        scope_id = series >> _INDICATOR_BITS
        self._changed[scope_id] = self._changed.get(scope_id, 0) | bits

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

    def take_changed(self) -> dict[int, int]:
        """Windows (as bits) by scope whose sums changed since the last call."""
        changed, self._changed = self._changed, {}
        return changed

    def occupied(self, window: int) -> set[int]:
        """Scopes with anything in a window."""
        series = [*self._sums[window], *(s for s, level in self._gauges.items() if level)]
        return {number >> _INDICATOR_BITS for number in series}

    def span(self, window: int) -> Span:
        """Where a window lies now."""
        assert self._spans is not None
        return self._spans[window]

    def indicators(self, scope_id: int) -> list[int]:
        """Places of the indicators ever seen of a scope."""
        seen = self._seen[scope_id]
        return [place for place in range(len(INDICATOR_IDS)) if seen >> place & 1]

    def summary(self, window: int, scope_id: int, indicator: int) -> Summary | None:
        """The sums of an indicator in a window, to be read and not changed; a gauge's level at
        the window's end is its ``total``. None without data."""
        series = scope_id << _INDICATOR_BITS | indicator
        if indicator in _GAUGES:
            return self._gauge(window, series)
        return self._sums[window].get(series)

    def _gauge(self, window: int, series: int) -> Summary | None:
        total = self._gauges.get(series)
        if total is None:
            return None
        level = total - self._levels[SPECS[window].level].ahead.get(series, 0)
        return Summary(n=max(level, 0), total=level)

    @property
    def earliest_ms(self) -> int | None:
        """Start of the oldest minute kept."""
        starts = self._levels[MINUTE].starts
        return starts[0] if starts else None


class _Change(NamedTuple):
    """What a cell's replacement adds to a sum; bucket counts that go and that come."""

    n: int
    total: int
    good: int
    gone: Iterable[tuple[int, int]]
    come: Iterable[tuple[int, int]]

    @classmethod
    def between(cls, old: _Held, new: _Held) -> _Change:
        if old.sketch == new.sketch:
            gone: Iterable[tuple[int, int]] = ()
            come: Iterable[tuple[int, int]] = ()
        else:
            before, after = set(_pairs(old.sketch)), set(_pairs(new.sketch))
            gone, come = before - after, after - before
        return cls(new.n - old.n, new.total - old.total, new.good - old.good, gone, come)


def _changes(pane: _Pane, sign: int) -> Iterator[tuple[int, _Change]]:
    """A whole pane as what it adds (``sign`` 1) or takes away (-1), by series."""
    for key, held in pane.items():
        pairs = _pairs(held.sketch)
        gone, come = ((), pairs) if sign > 0 else (pairs, ())
        change = _Change(sign * held.n, sign * held.total, sign * held.good, gone, come)
        yield key >> _SOURCE_BITS, change


def _packed(sketch: list[int] | None) -> bytes | None:
    return array("i", sketch).tobytes() if sketch else None


def _pairs(packed: bytes | None) -> list[tuple[int, int]]:
    if packed is None:
        return []
    numbers = array("i")
    numbers.frombytes(packed)
    return list(zip(numbers[::2], numbers[1::2], strict=True))
