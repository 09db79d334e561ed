"""Moving windows hold exactly what a slow recount of the measurements finds in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import bellwether_native
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.pane_parts import Part
from services.scoring.core.retention import CycleTracker
from services.scoring.core.window_spans import PLACE, SPECS, WindowSpec, span_of
from services.scoring.core.windows import PaneWindows
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.panes import TOTAL, Cell, Cells, PaneUpdate
from shared.contracts.scopes import Scope
from tests.unit.scoring.windows.pane_stream import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    QUARTER_MS,
    Fact,
    Source,
    counted,
    gauge_level,
    window_bounds,
    window_facts,
)

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BEFORE_DST = int(datetime(2026, 3, 27, tzinfo=UTC).timestamp() * 1000)
SPREAD_MS = 6 * DAY_MS
EMPLOYEES = ("ann", "bo")
TEAMS = ("t", "u")
CSAT = Cell(("d", "", ""), 0, BEFORE_DST, INDICATOR_IDS.index("csat"), 3, 3, 2)
MEASURED = ("first_response_time", "csat", "backlog", "tickets_opened")


class Drawn(NamedTuple):
    """A fact before it is known when its source comes to tell of it."""

    source: int
    lag_ms: int
    indicator: str
    value: int
    good: int
    employee: str
    team: str


class Step(NamedTuple):
    """Time passes, then facts come. Sources lag behind the clock, and the stream's time may lie
    before or after it."""

    jump_ms: int
    facts: list[Drawn]
    stream_skew_ms: int
    cuts: list[int]


SOURCES = 3
LAGS_MS = (0, 7 * MINUTE_MS, 20 * MINUTE_MS)
steps = st.lists(
    st.builds(
        Step,
        jump_ms=st.integers(0, 20 * MINUTE_MS) | st.integers(0, 2 * DAY_MS),
        facts=st.lists(
            st.builds(
                Drawn,
                source=st.integers(0, SOURCES - 1),
                lag_ms=st.integers(0, 40 * MINUTE_MS)
                | st.integers(0, 5 * HOUR_MS)
                | st.integers(0, SPREAD_MS),
                indicator=st.sampled_from(MEASURED),
                value=st.integers(1, 10_000_000),
                good=st.integers(0, 1),
                employee=st.sampled_from(EMPLOYEES),
                team=st.sampled_from(["", *TEAMS]),
            ),
            max_size=6,
        ),
        stream_skew_ms=st.integers(-100 * MINUTE_MS, 60 * MINUTE_MS) | st.integers(0, 20 * HOUR_MS),
        cuts=st.lists(st.integers(0, 60), max_size=4),
    ),
    max_size=8,
)


class Log:
    """What the sources send, step by step, record by record."""

    def __init__(self, chunk: int = 0, sliced: int = 0) -> None:
        self.facts: list[Fact] = []
        self.records: list[PaneUpdate] = []
        self.now_ms = BEFORE_DST
        self._sources = [Source(number, BERLIN) for number in range(SOURCES)]
        self._chunk = chunk
        self._sliced = sliced

    def go_on(self, step: Step) -> None:
        """Flush every source once."""
        self.now_ms += step.jump_ms
        for source, lag_ms in zip(self._sources, LAGS_MS, strict=True):
            at_ms = self.now_ms - lag_ms
            fresh = [
                Fact(f.source, at_ms - f.lag_ms, f.indicator, f.value, f.good, f.employee, f.team)
                for f in step.facts
                if f.source == source.number
            ]
            self.facts += fresh
            self.records += self._split(source.flush(fresh, at_ms, self._sliced))

    def _split(self, flush: PaneUpdate) -> list[PaneUpdate]:
        """A flush in records of bounded size; none when it has nothing to say."""
        cells, sliced = list(flush.cells), list(flush.slice_cells)
        size = self._chunk or max(len(cells), len(sliced), 1)
        return [
            msgspec.structs.replace(
                flush,
                cells=Cells.of(cells[first : first + size]),
                slice_cells=Cells.of(sliced[first : first + size]),
            )
            for first in range(0, max(len(cells), len(sliced)), size)
        ]


def parts_of(records: Iterable[PaneUpdate], *, with_slices: bool = False) -> list[Part]:
    """What a reader applies."""
    parts = []
    for record in records:
        if with_slices:
            parts.append(Part(record.source, record.sealed_ms, record.slice_cells))
        parts.append(Part(record.source, record.sealed_ms, record.cells))
    return parts


def in_batches(parts: list[Part], cuts: Iterable[int]) -> Iterator[list[Part]]:
    """The parts, divided at some places."""
    places = sorted({0, *(cut for cut in cuts if cut < len(parts)), len(parts)})
    return (parts[first:last] for first, last in pairwise(places))


def assert_counts(windows: PaneWindows, taken: Sequence[Fact], stream_ms: int) -> None:
    for spec in SPECS:
        for kind, name in (
            ("department", "d"),
            *(("employee", e) for e in EMPLOYEES),
            *(("team", t) for t in TEAMS),
        ):
            scope_id = windows.scope_id(Scope(kind, "d", name))  # type: ignore[arg-type]  # kinds of scopes
            for indicator in MEASURED:
                own = [f for f in taken if f.indicator == indicator and (kind, name) in f.scopes()]
                place = INDICATOR_IDS.index(indicator)
                summary = windows.summary(PLACE[spec.name], scope_id, place)
                if INDICATORS[indicator].kind == "gauge":
                    level = summary.total if summary else 0
                    assert level == gauge_level(own, spec.name, stream_ms, BERLIN)
                    continue
                expected = counted(window_facts(own, spec.name, stream_ms, BERLIN))
                assert (summary is None) == (expected.n == 0)
                if summary is not None:
                    buckets = tuple(sorted((summary.sketch or {}).items()))
                    found = (summary.n, summary.total, summary.good, buckets)
                    assert found == (expected.n, expected.total, expected.good, expected.buckets)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 5))
def test_windows_equal_a_recount_whatever_comes_and_however_far_time_jumps(
    walk: list[Step], chunk: int
) -> None:
    windows, log, stream_ms = PaneWindows(BERLIN), Log(chunk), BEFORE_DST
    windows.advance(stream_ms)
    for step in walk:
        read = len(log.records)
        log.go_on(step)
        for batch in in_batches(parts_of(log.records[read:]), step.cuts):
            windows.apply(batch)
        stream_ms = max(stream_ms, log.now_ms + step.stream_skew_ms)
        windows.advance(stream_ms)
        assert_counts(windows, log.facts, stream_ms)


@settings(max_examples=50, deadline=None)
@given(steps, st.integers(0, 5), st.lists(st.integers(0, 200), max_size=8))
def test_the_division_of_the_log_leaves_no_trace(
    walk: list[Step], chunk: int, cuts: list[int]
) -> None:
    log = Log(chunk)
    for step in walk:
        log.go_on(step)
    windows = PaneWindows(BERLIN)
    for number, batch in enumerate(in_batches(parts_of(log.records), cuts)):
        windows.apply(batch)
        if number % 2:
            windows.apply(batch[-1:])
    windows.advance(log.now_ms)
    assert_counts(windows, log.facts, log.now_ms)


@settings(max_examples=50, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_repeated_and_shuffled_deliveries_of_different_cells_change_nothing(
    walk: list[Step], random: Random
) -> None:
    log = Log()
    for step in walk:
        log.go_on(step)
    windows = PaneWindows(BERLIN)
    windows.advance(log.now_ms)
    last: dict[object, tuple[int, Cell]] = {}
    for part in parts_of(log.records):
        windows.apply([part])
        windows.apply([part, part])
        for c in part.cells:
            last[part.source, c.leaf, c.level, c.start_ms, c.indicator] = part.source, c
    final = list(last.values())
    random.shuffle(final)
    sealed_ms = {record.source: record.sealed_ms for record in log.records}
    for source, cell in final:
        windows.apply([Part(source, sealed_ms[source], Cells.of([cell]))])
    assert_counts(windows, log.facts, log.now_ms)


@settings(max_examples=100, deadline=None)
@given(steps, st.integers(0, 5), st.integers(1, 40), st.integers(0, 7))
def test_a_restart_from_a_complete_round_of_slices_leaves_the_same_windows(
    walk: list[Step], chunk: int, sliced: int, restart: int
) -> None:
    windows, log, stream_ms = PaneWindows(BERLIN), Log(chunk, sliced), BEFORE_DST
    cycles, read = CycleTracker(), 0
    for number, step in enumerate(walk):
        log.go_on(step)
        for offset in range(read, len(log.records)):
            cycles.observe(log.records[offset].source, log.records[offset].cycle, offset)
        restarted = number >= restart
        if number == restart:
            windows, read = PaneWindows(BERLIN), cycles.needed_from
        for batch in in_batches(
            parts_of(log.records[read:], with_slices=number == restart), step.cuts
        ):
            windows.apply(batch)
        read = len(log.records)
        stream_ms = max(stream_ms, log.now_ms + step.stream_skew_ms)
        windows.advance(stream_ms)
        if restarted or not number:
            assert_counts(windows, log.facts, stream_ms)


def test_sketches_that_grow_shrink_and_vanish_are_followed_exactly() -> None:
    windows, random = PaneWindows(BERLIN), Random(3)
    windows.advance(BEFORE_DST)
    place = INDICATOR_IDS.index("first_response_time")
    scope_id = windows.scope_id(Scope("employee", "d", "ann"))
    said: dict[tuple[int, int], dict[int, int]] = {}
    for _ in range(2_000):
        source, pane = random.randrange(2), random.randrange(40)
        buckets = random.sample(range(-1, 900), random.randrange(60))
        sketch = {bucket: random.randint(1, 9) for bucket in buckets}
        said[source, pane] = sketch
        cell = Cell(
            ("d", "", "ann"),
            0,
            BEFORE_DST - pane * MINUTE_MS,
            place,
            sum(sketch.values()),
            0,
            0,
            tuple(sorted(sketch.items())),
        )
        windows.apply([Part(source, 0, Cells.of([cell]))])
    expected: Counter[int] = Counter()
    for sketch in said.values():
        expected.update(sketch)
    summary = windows.summary(PLACE["1h"], scope_id, place)
    assert summary is not None
    assert list((summary.sketch or {}).items()) == sorted(expected.items())


def test_after_a_week_no_more_is_kept_than_the_windows_span() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    quarters = 8 * 96
    for quarter in range(quarters):
        start = BEFORE_DST + quarter * QUARTER_MS
        minutes = [CSAT._replace(start_ms=start + m * MINUTE_MS) for m in range(15)]
        windows.apply([Part(0, start, Cells.of(minutes))])
        windows.advance(start + QUARTER_MS - 1)
    assert windows.cells == 60 + 672 + 9


def test_only_panes_that_a_window_can_still_hold_are_kept() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    windows.apply([Part(0, BEFORE_DST + QUARTER_MS, Cells.of([CSAT]))])
    assert windows.cells == 1
    windows.advance(BEFORE_DST + 121 * MINUTE_MS)
    assert windows.cells == 0


def test_a_cell_that_says_nothing_new_moves_no_stamp() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    for _ in range(2):
        windows.apply([Part(0, BEFORE_DST + QUARTER_MS, Cells.of([CSAT]))])
        stamp = windows.stamp(PLACE["5m"], scope_id, CSAT.indicator)
        changed = windows.take_changed()
    assert stamp == 1
    assert not changed.any()


def test_a_gauge_is_told_though_it_is_as_high_as_without_a_word() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    backlog = INDICATOR_IDS.index("backlog")
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    windows.apply([Part(0, 0, Cells.of([CSAT]))])
    assert windows.summary(PLACE["5m"], scope_id, backlog) is None
    windows.apply([Part(0, 0, Cells.of([Cell(("d", "", ""), TOTAL, 0, backlog, 0, 0, 0)]))])
    summary = windows.summary(PLACE["5m"], scope_id, backlog)
    assert summary is not None
    assert (summary.n, summary.total) == (0, 0)


def test_what_says_nothing_yet_was_seen_all_the_same() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    assert not windows.has_seen(scope_id, CSAT.indicator)
    windows.apply([Part(0, 0, Cells.of([CSAT._replace(n=0, total=0, good=0)]))])
    assert windows.has_seen(scope_id, CSAT.indicator)
    assert windows.summary(PLACE["1h"], scope_id, CSAT.indicator) is None


def test_windows_that_changed_are_told_once() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    windows.take_changed()
    windows.apply([Part(0, BEFORE_DST + QUARTER_MS, Cells.of([CSAT]))])
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    assert windows.take_changed()[scope_id] == 0b000111
    assert not windows.take_changed().any()
    windows.advance(BEFORE_DST + 5 * MINUTE_MS)
    assert windows.take_changed()[scope_id] == 0b000001


@pytest.mark.parametrize("spec", SPECS, ids=[spec.name for spec in SPECS])
@pytest.mark.parametrize("zone", [BERLIN, SHANGHAI], ids=str)
@settings(max_examples=50, deadline=None)
@given(offset=st.integers(0, 400 * 86_400_000))
def test_spans_follow_the_calendar_also_when_clocks_change(
    spec: WindowSpec, zone: ZoneInfo, offset: int
) -> None:
    stream_ms = BEFORE_DST + offset
    assert tuple(span_of(spec, stream_ms, zone)) == window_bounds(spec.name, stream_ms, zone)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_numbers_that_leave_64_bits_are_exact_when_they_are_taken_back(level: int) -> None:
    windows = PaneWindows(BERLIN)
    start = window_bounds("30d", BEFORE_DST, BERLIN)[1] - DAY_MS
    windows.advance(start)
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    sealed_ms = start + (0, QUARTER_MS, DAY_MS)[level]

    def says(source: int, number: int) -> None:
        cell = CSAT._replace(level=level, start_ms=start, n=number, total=number, good=number)
        windows.apply([Part(source, sealed_ms, Cells.of([cell]))])

    for number in (2**63 - 1, -(2**63), 5, 2**63 - 1, 5):
        for source in range(3):
            says(source, number)
    summary = windows.summary(PLACE["30d"], scope_id, CSAT.indicator)
    assert summary is not None
    assert (summary.n, summary.total, summary.good) == (15, 15, 15)


def test_a_change_moves_the_stamps_of_its_own_scopes_and_windows_only() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    names = {"ann": ("d", "t", "ann"), "bo": ("d", "t", "bo")}

    def stamps(kind: str, name: str) -> list[int]:
        scope_id = windows.scope_id(Scope(kind, "d", name))  # type: ignore[arg-type]  # kinds of scopes
        return [windows.stamp(PLACE[spec.name], scope_id, CSAT.indicator) for spec in SPECS]

    for leaf in names.values():
        windows.apply([Part(0, 0, Cells.of([CSAT._replace(leaf=leaf)]))])
    before = {name: stamps(kind, name) for kind, name in (("employee", "bo"), ("team", "t"))}
    earlier = CSAT._replace(leaf=names["ann"], start_ms=BEFORE_DST - 10 * MINUTE_MS)
    windows.apply([Part(0, 0, Cells.of([earlier]))])
    assert stamps("employee", "bo") == before["bo"]
    moved = [now > then for now, then in zip(stamps("team", "t"), before["t"], strict=True)]
    assert moved == [spec.name != "5m" for spec in SPECS]


def test_a_pane_that_rested_long_takes_what_comes_late() -> None:
    windows, minutes = PaneWindows(BERLIN), 50
    windows.advance(BEFORE_DST)
    scope_id = windows.scope_id(Scope("department", "d", "d"))

    def says(minute: int, n: int) -> None:
        start = BEFORE_DST - minute * MINUTE_MS
        cell = CSAT._replace(start_ms=start, n=n, total=n, good=n, sketch=((minute, n),))
        windows.apply([Part(0, 0, Cells.of([cell]))])

    for n in (1, 2, 3):
        for minute in range(minutes):
            says(minute, n)
        windows.advance(BEFORE_DST + n * 16_000)
    expected = (3 * minutes, 3 * minutes, 3 * minutes, dict.fromkeys(range(minutes), 3))
    for name in ("1h", "24h", "30d"):
        summary = windows.summary(PLACE[name], scope_id, CSAT.indicator)
        assert summary is not None
        assert (summary.n, summary.total, summary.good, summary.sketch) == expected


def test_the_compiled_windows_refuse_what_cannot_be() -> None:
    columns = Cells.of([CSAT]).columns
    made = bellwether_native.PaneWindows(lambda time_ms: time_ms, [0, 2], [("csat", "rating")])
    made.learn([0])
    for part in [
        (bellwether_native.MOST_SOURCES, 0, [0], columns),
        (0, 0, [1], columns),
        (0, 0, [], columns),
        (0, 2**62, [0], columns),
    ]:
        with pytest.raises(ValueError, match=r"source|leaf|time"):
            made.apply([(0, 0, [0], columns), part])
    with pytest.raises(ValueError, match="window"):
        made.advance(0, [(0, MINUTE_MS)])
    with pytest.raises(ValueError, match="level"):
        bellwether_native.PaneWindows(lambda time_ms: time_ms, [7], [])
    with pytest.raises(ValueError, match="windows"):
        bellwether_native.PaneWindows(lambda time_ms: time_ms, [0] * 9, [])
    for indicator in [('"', "ratio"), ("csat", "colour")]:
        with pytest.raises(ValueError, match=r"indicator|kind"):
            bellwether_native.PaneWindows(lambda time_ms: time_ms, [], [indicator])
    for asked in [(1, "mean"), (0, "colour")]:
        with pytest.raises(ValueError, match=r"indicator|measure"):
            made.measured(0, 0, *asked)
