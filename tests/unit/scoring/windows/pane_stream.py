"""Measurements, the panes that a source would make of them, and windows counted the slow way.

Nothing here uses the code under test: cells are summed per flush from all measurements so far,
and windows are counted from the measurements themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.scoring.core.sketch import bucket_of
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.leaves import LeafName
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell, Cells, PaneUpdate

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
QUARTER_MS = 15 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WINDOW_MINUTES = {"5m": 5, "15m": 15, "1h": 60, "24h": 1440, "7d": 10080}


@dataclass(frozen=True)
class Fact:
    """One measurement of an employee of the department ``d``, from one source."""

    source: int
    time_ms: int
    indicator: str
    value: int
    good: int
    employee: str
    team: str = ""

    def scopes(self) -> list[tuple[str, str]]:
        teams = [("team", self.team)] if self.team else []
        return [("department", "d"), ("employee", self.employee), *teams]


@dataclass(frozen=True)
class Counted:
    """What a window holds of one indicator and scope."""

    n: int
    total: int
    good: int
    buckets: tuple[tuple[int, int], ...]


def counted(facts: Iterable[Fact]) -> Counted:
    """The sums of some facts."""
    own = list(facts)
    buckets: dict[int, int] = {}
    for fact in own:
        kind = INDICATORS[fact.indicator].kind
        if kind in ("duration", "amount", "rating"):
            bucket = fact.value if kind == "rating" else bucket_of(fact.value)
            buckets[bucket] = buckets.get(bucket, 0) + 1
    return Counted(
        len(own),
        sum(f.value for f in own),
        sum(f.good for f in own),
        tuple(sorted(buckets.items())),
    )


def window_facts(facts: Iterable[Fact], window: str, stream_ms: int, zone: ZoneInfo) -> list[Fact]:
    """The facts in a window that ends with the pane holding ``stream_ms``."""
    start, end = window_bounds(window, stream_ms, zone)
    return [fact for fact in facts if start <= fact.time_ms < end]


def window_bounds(window: str, stream_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """Start and end of a window, in ms."""
    if window == "30d":
        return _calendar_bounds(stream_ms, zone)
    minutes = WINDOW_MINUTES[window]
    pane = MINUTE_MS * (1 if minutes <= 60 else 15)
    end = (stream_ms // pane + 1) * pane
    return end - minutes * MINUTE_MS, end


def _calendar_bounds(stream_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    today = datetime.fromtimestamp(stream_ms / 1000, zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    first, after = today - timedelta(days=29), today + timedelta(days=1)
    return int(first.timestamp() * 1000), int(after.timestamp() * 1000)


def gauge_level(facts: Iterable[Fact], window: str, stream_ms: int, zone: ZoneInfo) -> int:
    """The sum of all changes before the window's end."""
    _, end = window_bounds(window, stream_ms, zone)
    return sum(fact.value for fact in facts if fact.time_ms < end)


def cells_touched(before: Sequence[Fact], fresh: Sequence[Fact], zone: ZoneInfo) -> list[Cell]:
    """The absolute cells that one source, which has sealed nothing, states after ``fresh`` facts
    came to those ``before``."""
    places = {place for fact in fresh for place in _places(fact, zone)}
    stated = [place for place in places if is_sealed(place, 0, zone)]
    return [_cell(place, [*before, *fresh], zone) for place in sorted(stated)]


def sealed_at(watermark_ms: int) -> int:
    """A quarter-hour is sealed a quarter of an hour after its end."""
    return max(0, watermark_ms // QUARTER_MS * QUARTER_MS - QUARTER_MS)


def is_sealed(place: _Place, sealed_ms: int, zone: ZoneInfo) -> bool:
    """Whether a source states a cell itself."""
    level, start, *_ = place
    if level == QUARTER:
        return start + QUARTER_MS <= sealed_ms
    return level != DAY or _next_midnight(start, zone) <= sealed_ms


def _next_midnight(midnight_ms: int, zone: ZoneInfo) -> int:
    return _start(DAY, midnight_ms + DAY_MS + 2 * HOUR_MS, zone)


class Source:
    """What one source states of its facts, in flushes that carry its cells in slices round after
    round. Of an open pane a slice says something wrong."""

    _KEPT_MS: Final = {MINUTE: 3 * HOUR_MS, QUARTER: 9 * DAY_MS, DAY: 62 * DAY_MS}

    def __init__(self, number: int, zone: ZoneInfo) -> None:
        self.number = number
        self._zone = zone
        self._facts: list[Fact] = []
        self._watermark_ms = self._sealed_ms = self._revision = 0
        self._cycle = 0
        self._round: list[_Place] = []

    def flush(self, fresh: Sequence[Fact], watermark_ms: int, sliced: int = 0) -> PaneUpdate:
        """The update of one flush, with a slice of so many cells."""
        before, self._facts = self._facts, [*self._facts, *fresh]
        touched = {place for fact in fresh for place in _places(fact, self._zone)}
        touched = set(filter(self._is_kept, touched))
        self._watermark_ms = max(self._watermark_ms, watermark_ms)
        sealed_before, self._sealed_ms = self._sealed_ms, sealed_at(self._watermark_ms)
        self._revision += 1
        sealing = {p for p in self._every_place() if not is_sealed(p, sealed_before, self._zone)}
        stated = [p for p in touched | sealing if is_sealed(p, self._sealed_ms, self._zone)]
        slice_cells = list(self._next_slice(sliced, before))
        return update(
            self.number,
            self._cells(stated),
            revision=self._revision,
            watermark_ms=self._watermark_ms,
            sealed_ms=self._sealed_ms,
            cycle=self._cycle,
            slice_cells=slice_cells,
        )

    def _next_slice(self, size: int, before: Sequence[Fact]) -> Iterator[Cell]:
        if not self._round:
            self._cycle += 1
            self._round = sorted(filter(self._is_kept, self._every_place(before)))
        sliced, self._round = self._round[:size], self._round[size:]
        for place in filter(self._is_kept, sliced):
            (cell,) = self._cells([place])
            if is_sealed(place, self._sealed_ms, self._zone):
                yield cell
            else:
                yield cell._replace(n=cell.n + 7, total=-1, sketch=((3, 5),))

    def _every_place(self, facts: Sequence[Fact] | None = None) -> set[_Place]:
        known = self._facts if facts is None else facts
        return {place for fact in known for place in _places(fact, self._zone)}

    def _is_kept(self, place: _Place) -> bool:
        level, start, *_ = place
        return level == TOTAL or start > self._watermark_ms - self._KEPT_MS[level]

    def _cells(self, places: Iterable[_Place]) -> list[Cell]:
        return [_cell(place, self._facts, self._zone) for place in sorted(places)]


_Place = tuple[int, int, LeafName, str]


def _places(fact: Fact, zone: ZoneInfo) -> Iterable[_Place]:
    panes = [(level, _start(level, fact.time_ms, zone)) for level in (MINUTE, QUARTER, DAY)]
    if INDICATORS[fact.indicator].kind == "gauge":
        panes.append((TOTAL, 0))
    for level, start in panes:
        yield level, start, ("d", fact.team, fact.employee), fact.indicator


def _start(level: int, time_ms: int, zone: ZoneInfo) -> int:
    if level == MINUTE:
        return time_ms // MINUTE_MS * MINUTE_MS
    if level == QUARTER:
        return time_ms // (15 * MINUTE_MS) * 15 * MINUTE_MS
    local = datetime.fromtimestamp(time_ms / 1000, zone)
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def _cell(place: _Place, facts: Iterable[Fact], zone: ZoneInfo) -> Cell:
    level, start, leaf, indicator = place
    own = counted(fact for fact in facts if place in set(_places(fact, zone)))
    return Cell(
        leaf,
        level,
        start,
        INDICATOR_IDS.index(indicator),
        own.n,
        own.total,
        own.good,
        own.buckets,
    )


def update(
    source: int,
    cells: list[Cell],
    *,
    revision: int = 1,
    watermark_ms: int = 0,
    sealed_ms: int = 0,
    caught_up: bool = False,
    received_ms: int = 0,
    cycle: int = 0,
    slice_cells: Iterable[Cell] = (),
    department: str = "d",
) -> PaneUpdate:
    """A record of ``panes`` of the department ``d``."""
    return PaneUpdate(
        source,
        f"department:{department}",
        revision,
        watermark_ms,
        sealed_ms,
        caught_up,
        received_ms,
        "v1",
        Cells.of(cells),
        cycle,
        Cells.of(slice_cells),
    )
