"""A pane holds what was last said of each cell, whether it rested meanwhile or not."""

from __future__ import annotations

import tracemalloc
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.cell_batch import CellValues, Part, Sketches
from services.scoring.core.changes import Change
from services.scoring.core.held_pane import HeldPane
from services.scoring.core.windows import PaneWindows
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import MINUTE, MINUTE_MS, Cell, Cells

KNOWN = 2_000
T0 = 1_760_000_400_000 // MINUTE_MS * MINUTE_MS
SEALED_MS = T0 + 15 * MINUTE_MS
EMPLOYEES, BUCKETS = 500, 20


class Said(NamedTuple):
    """What one cell says."""

    n: int
    total: int
    good: int
    sketch: dict[int, int]


NOTHING = Said(0, 0, 0, {})
NUMBERS = st.sampled_from((7, 15, 31, 63)).flatmap(lambda b: st.integers(-(2**b), 2**b - 1))
"""As many of each width."""
SAID = st.builds(
    Said,
    *[NUMBERS] * 3,
    st.dictionaries(
        st.integers(-1, 2_047), st.integers(1, 100) | st.integers(1, 2**40), max_size=6
    ),
)
SWAPS = st.dictionaries(st.integers(0, KNOWN - 1), SAID, min_size=1, max_size=8)


def columns(said: list[Said]) -> CellValues:
    sketches = [sorted(each.sketch.items()) for each in said]
    entries = [entry for sketch in sketches for entry in sketch]
    n, total, good, lengths, bucket, counts = (
        np.array(column, np.int64)
        for column in (
            [each.n for each in said],
            [each.total for each in said],
            [each.good for each in said],
            [len(sketch) for sketch in sketches],
            [bucket for bucket, _ in entries],
            [count for _, count in entries],
        )
    )
    return CellValues(n, total, good, Sketches(lengths, bucket, counts))


def rows(values: CellValues) -> list[Said]:
    n, total, good, (lengths, bucket, counts) = values
    entries = iter(zip(bucket.tolist(), counts.tolist(), strict=True))
    sketches = [dict(islice(entries, length)) for length in lengths.tolist()]
    return list(map(Said, n.tolist(), total.tolist(), good.tolist(), sketches))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(SWAPS, st.booleans()), max_size=10))
def test_a_pane_that_rests_now_and_then_says_what_was_last_said(
    walk: list[tuple[dict[int, Said], bool]],
) -> None:
    pane, expected = HeldPane(), dict[int, Said]()
    for swap, rests in walk:
        before = pane.swap(np.array([*swap]), KNOWN, columns([*swap.values()]))
        assert rows(before) == [expected.get(cell, NOTHING) for cell in swap]
        expected |= swap
        if rests:
            pane.rest()
        assert_holds(pane, expected)


def assert_holds(pane: HeldPane, expected: dict[int, Said]) -> None:
    cells, values = pane.all()
    assert dict(zip(cells.tolist(), rows(values), strict=True)) == expected
    assert len(pane) == len(expected)


ADDED = st.builds(
    Said,
    *[st.integers(-(10**6), 10**6)] * 3,
    st.dictionaries(st.integers(-1, 5), st.integers(-3, 3), max_size=4),
)
ADDITIONS = st.lists(st.tuples(st.integers(0, 5), ADDED), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(st.lists(ADDITIONS | st.sampled_from(["ask", "rest", "swap"]), max_size=12))
def test_a_pane_that_is_added_to_says_the_sums(walk: list[list[tuple[int, Said]] | str]) -> None:
    pane, expected = HeldPane(), dict[int, Said]()
    for step in walk:
        if step == "ask":
            assert_holds(pane, expected)
        elif step == "rest":
            pane.rest()
        elif isinstance(step, str):
            before = pane.swap(np.array([1, 7]), KNOWN, columns([ONE, ONE]))
            assert rows(before) == [expected.get(cell, NOTHING) for cell in (1, 7)]
            expected |= {1: ONE, 7: ONE}
        else:
            pane.add(additions(step), KNOWN)
            for cell, said in step:
                expected[cell] = total(expected.get(cell, NOTHING), said)
    assert_holds(pane, expected)


ONE = Said(1, 2, 3, {4: 5})


def additions(step: list[tuple[int, Said]]) -> Change:
    cells = np.array([cell for cell, _ in step])
    n, sums, good, sketches = columns([said for _, said in step])
    own = cells.repeat(sketches.lengths)
    return Change(cells, n, sums, good, own, sketches.bucket, sketches.counts)


def total(one: Said, other: Said) -> Said:
    counts = {b: one.sketch.get(b, 0) + other.sketch.get(b, 0) for b in one.sketch | other.sketch}
    held = {bucket: count for bucket, count in sorted(counts.items()) if count}
    return Said(one.n + other.n, one.total + other.total, one.good + other.good, held)


@pytest.mark.parametrize("size", [1, KNOWN])
def test_what_waits_to_be_added_is_bounded(size: int) -> None:
    pane, cells = HeldPane(), np.arange(size)
    added = columns([ONE] * size)
    change = Change(cells, *added[:3], cells, added.sketches.bucket, added.sketches.counts)
    held: list[int] = []
    tracemalloc.start()
    try:
        for _ in range(4_000):
            pane.add(Change(*map(np.copy, change)), KNOWN)
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(held[2_000:]) <= 1.1 * max(held[:2_000])
    assert_holds(pane, dict.fromkeys(range(size), Said(4_000, 8_000, 12_000, {4: 20_000})))


def test_a_minute_that_is_over_costs_less_than_half_of_an_open_one() -> None:
    windows = PaneWindows(ZoneInfo("UTC"))
    held: list[int] = []
    tracemalloc.start()
    try:
        for minute in range(12):
            windows.advance(T0 + minute * MINUTE_MS)
            windows.apply([Part(0, SEALED_MS, minute_of_all(T0 + minute * MINUTE_MS))])
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    an_open_one = EMPLOYEES * (36 + 10 * BUCKETS)
    assert held[-1] - held[4] < 7 * an_open_one / 2


def minute_of_all(start_ms: int) -> Cells:
    """A cell of every employee."""
    indicator = INDICATOR_IDS.index("first_response_time")
    sketch = tuple((bucket, 2) for bucket in range(400, 400 + BUCKETS))
    return Cells.of(
        Cell(("d", "", f"e{employee}"), MINUTE, start_ms, indicator, 40, 4_000_000, 30, sketch)
        for employee in range(EMPLOYEES)
    )
