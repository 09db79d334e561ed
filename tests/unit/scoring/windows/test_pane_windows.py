"""Moving windows hold exactly what a slow recount of the measurements finds in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.windows import PLACE, QUARTER_MS, SPECS, PaneWindows, WindowSpec, span_of
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.panes import Cell, Cells
from shared.contracts.scopes import SCOPE_KINDS, Scope
from tests.unit.scoring.windows.pane_stream import (
    MINUTE_MS,
    Fact,
    cells_touched,
    counted,
    gauge_level,
    window_bounds,
    window_facts,
)

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BEFORE_DST = int(datetime(2026, 3, 27, tzinfo=UTC).timestamp() * 1000)
SPREAD_MS = 6 * 86_400_000
EMPLOYEES = ("ann", "bo")
CSAT = Cell(("d", 1, "d"), 0, BEFORE_DST, INDICATOR_IDS.index("csat"), 3, 3, 2)
MEASURED = ("first_response_time", "csat", "backlog", "tickets_opened")

facts = st.builds(
    Fact,
    source=st.integers(0, 2),
    time_ms=st.integers(BEFORE_DST, BEFORE_DST + SPREAD_MS)
    | st.integers(BEFORE_DST, BEFORE_DST + 90 * MINUTE_MS),
    indicator=st.sampled_from(MEASURED),
    value=st.integers(1, 10_000_000),
    good=st.integers(0, 1),
    employee=st.sampled_from(EMPLOYEES),
)
Step = tuple[list[Fact], int]
steps = st.lists(st.tuples(st.lists(facts, max_size=6), st.integers(0, 2 * 86_400_000)), max_size=8)


def flushes(taken: Sequence[Fact], fresh: Sequence[Fact]) -> list[tuple[int, Cells]]:
    """What each source sends after fresh facts."""
    return [
        (source, Cells.of(cells))
        for source in range(3)
        if (
            cells := cells_touched(
                [f for f in taken if f.source == source],
                [f for f in fresh if f.source == source],
                BERLIN,
            )
        )
    ]


def assert_counts(windows: PaneWindows, taken: Sequence[Fact], stream_ms: int) -> None:
    for spec in SPECS:
        for kind, name in (("department", "d"), *(("employee", e) for e in EMPLOYEES)):
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
@given(steps)
def test_windows_equal_a_recount_whatever_comes_and_however_far_time_jumps(
    walk: list[Step],
) -> None:
    windows, taken, stream_ms = PaneWindows(BERLIN), list[Fact](), BEFORE_DST
    windows.advance(stream_ms)
    for fresh, jump in walk:
        windows.apply(flushes(taken, fresh))
        taken += fresh
        stream_ms += jump
        windows.advance(stream_ms)
        assert_counts(windows, taken, stream_ms)


@settings(max_examples=50, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_repeated_and_shuffled_deliveries_of_different_cells_change_nothing(
    walk: list[Step], random: Random
) -> None:
    taken = list[Fact]()
    sent: list[tuple[int, Cells]] = []
    for fresh, _ in walk:
        sent += flushes(taken, fresh)
        taken += fresh
    stream_ms = BEFORE_DST + SPREAD_MS
    windows = PaneWindows(BERLIN)
    windows.advance(stream_ms)
    last = {
        (source, c.scope, c.level, c.start_ms, c.indicator): c
        for source, cells in sent
        for c in cells
    }
    for source, cells in sent:
        windows.apply([(source, cells)])
        windows.apply([(source, cells), (source, cells)])
    final = list(last.items())
    random.shuffle(final)
    for (source, *_), cell in final:
        windows.apply([(source, Cells.of([cell]))])
    assert_counts(windows, taken, stream_ms)


@settings(max_examples=50, deadline=None)
@given(steps)
def test_a_restart_in_the_middle_leaves_the_same_windows(walk: list[Step]) -> None:
    taken, stream_ms = list[Fact](), BEFORE_DST
    log: list[tuple[int, Cells]] = []
    windows = PaneWindows(BERLIN)
    for number, (fresh, jump) in enumerate(walk):
        if number == len(walk) // 2:
            windows = PaneWindows(BERLIN)
            if log:
                windows.apply(log)
        for source, cells in flushes(taken, fresh):
            log.append((source, cells))
            windows.apply([(source, cells)])
        taken += fresh
        stream_ms += jump
        windows.advance(stream_ms)
        assert_counts(windows, taken, stream_ms)


@settings(max_examples=50, deadline=None)
@given(steps, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_of_records_and_the_division_of_time_leave_no_trace(
    walk: list[Step], random: Random, moves: int
) -> None:
    taken = [fact for fresh, _ in walk for fact in fresh]
    parts = [(source, Cells.of([cell])) for source, cells in flushes([], taken) for cell in cells]
    random.shuffle(parts)
    windows, stream_ms = PaneWindows(BERLIN), BEFORE_DST
    windows.advance(stream_ms)
    for number in range(moves):
        windows.apply(parts[number::moves])
        stream_ms += random.randrange(SPREAD_MS // moves)
        windows.advance(stream_ms)
    assert_counts(windows, taken, stream_ms)


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
            ("d", SCOPE_KINDS.index("employee"), "ann"),
            0,
            BEFORE_DST - pane * MINUTE_MS,
            place,
            sum(sketch.values()),
            0,
            0,
            tuple(sorted(sketch.items())),
        )
        windows.apply([(source, Cells.of([cell]))])
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
        windows.apply([(0, Cells.of([*minutes, CSAT._replace(level=1, start_ms=start)]))])
        windows.advance(start + QUARTER_MS - 1)
    assert windows.cells == 60 + 672


def test_only_panes_that_a_window_can_still_hold_are_kept() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    windows.apply([(0, Cells.of([CSAT]))])
    assert windows.cells == 1
    windows.advance(BEFORE_DST + 61 * MINUTE_MS)
    assert windows.cells == 0


def test_windows_that_changed_are_told_once() -> None:
    windows = PaneWindows(SHANGHAI)
    windows.advance(BEFORE_DST)
    windows.take_changed()
    windows.apply([(0, Cells.of([CSAT]))])
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
