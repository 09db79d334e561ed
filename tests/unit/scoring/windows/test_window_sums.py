"""Sums by series: stamps tell of changes, and sketches hold what was added and not taken away."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest
from bellwether_native import WindowSums

from services.scoring.core.columns import Integers

NONE = np.zeros(0, np.int64)
NO_SUMS = (NONE, NONE, NONE, NONE)
NO_BUCKETS = (NONE, NONE, NONE)


def buckets(
    series: int, sketch: Counter[int], sign: int = 1
) -> tuple[Integers, Integers, Integers]:
    counts = sign * np.array([*sketch.values()], np.int64)
    return np.full(len(sketch), series), np.array([*sketch], np.int64), counts


def numbers(sums: WindowSums, window: int, series: int) -> tuple[int, int, int]:
    summary = sums.summary(window, series)
    return (summary.n, summary.total, summary.good) if summary else (0, 0, 0)


def test_what_is_taken_away_leaves_all_others() -> None:
    sums, random = WindowSums(2), Random(1)
    sums.reach(5)
    expected = {(window, series): Counter[int]() for window in range(2) for series in range(5)}
    for step in range(300):
        window, series = random.randrange(2), random.randrange(5)
        held = expected[window, series]
        if step % 3 == 2:
            sums.add([window], NO_SUMS, buckets(series, held, -1))
            held.clear()
        else:
            more = Counter({b: random.randint(1, 5) for b in random.sample(range(-1, 99), 6)})
            sums.add([window], NO_SUMS, buckets(series, more))
            held.update(more)
        for (at, of), sketch in expected.items():
            summary = sums.summary(at, of)
            assert (summary is not None) is bool(sketch)
            if summary:
                assert list(summary.sketch.items()) == sorted(sketch.items())


def test_a_stamp_grows_with_every_change_of_its_series_in_its_window_only() -> None:
    sums = WindowSums(2)
    sums.reach(2)
    one = np.array([1])
    seen = [sums.stamp(0, 1)]
    for _ in range(3):
        sums.add([0], (one, one, one, one), NO_BUCKETS)
        seen.append(sums.stamp(0, 1))
    sums.touch([0], one)
    seen.append(sums.stamp(0, 1))
    assert seen == sorted(set(seen))
    assert (sums.stamp(1, 1), sums.stamp(0, 0)) == (0, 0)
    assert [numbers(sums, 0, series) for series in (0, 1)] == [(0, 0, 0), (3, 3, 3)]
    assert [np.frombuffer(sums.occupied(w), np.int64).tolist() for w in (0, 1)] == [[1], []]


@pytest.mark.parametrize(
    ("sums_of", "buckets_of"),
    [
        ((7, 1, 1, 1), ()),
        ((-1, 1, 1, 1), ()),
        ((), (7, 5, 1)),
        ((), (0, -2, 1)),
        ((), (0, 4095, 1)),
        ((), (0, 2**40, 1)),
    ],
)
def test_what_cannot_be_added_is_refused_as_a_whole(
    sums_of: tuple[int, ...], buckets_of: tuple[int, ...]
) -> None:
    sums, one = WindowSums(1), np.array([0])
    sums.reach(1)
    rows = [np.append(one, number) for number in sums_of] if sums_of else [one] * 4
    entries = [np.append(one, number) for number in buckets_of] if buckets_of else [one] * 3
    with pytest.raises(ValueError, match=r"series|bucket"):
        sums.add([0], (rows[0], *rows[1:]), (entries[0], *entries[1:]))
    with pytest.raises(ValueError, match="lengths"):
        sums.add([0], (one, one, one, NONE), NO_BUCKETS)
    with pytest.raises(ValueError, match="series"):
        sums.touch([0], np.array([1]))
    assert (sums.stamp(0, 0), sums.summary(0, 0)) == (0, None)


def test_a_total_that_leaves_64_bits_is_exact_when_it_is_taken_back() -> None:
    sums = WindowSums(1)
    sums.reach(1)
    none, one, much = np.array([0]), np.array([1]), np.array([2**62])
    for sign in (1, 1, 1, -1, -1):
        sums.add([0], (none, sign * one, sign * much, none), NO_BUCKETS)
    assert numbers(sums, 0, 0) == (1, 2**62, 0)
