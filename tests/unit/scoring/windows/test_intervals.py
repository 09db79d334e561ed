"""Intervals are those of the literature."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.core.figures import Reading, Summary
from services.scoring.core.intervals import mean_interval, percentile_ranks, wilson
from services.scoring.core.sketch import bucket_of


@pytest.mark.parametrize(
    ("good", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_published_values(good: int, n: int, low: float, high: float) -> None:
    assert list(wilson(good, n)) == pytest.approx([low, high], abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_interval(case: tuple[int, int]) -> None:
    good, n = case
    low, high = wilson(good, n)
    assert 0 <= low <= good / n <= high <= 1


def exact_coverage(q: Fraction, n: int, low: int | None, high: int | None) -> float:
    """Probability that the q-quantile lies between the order statistics low and high."""
    chance = 0.0
    for below in range(low or 0, (high if high is not None else n + 1)):
        chance += math.comb(n, below) * float(q) ** below * float(1 - q) ** (n - below)
    return chance


@pytest.mark.parametrize("q", [Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)])
@pytest.mark.parametrize("n", [25, 60, 200, 500])
def test_order_statistics_enclose_the_percentile_about_19_times_in_20(q: Fraction, n: int) -> None:
    low, high = percentile_ranks(float(q), n)
    assert exact_coverage(q, n, low, high) > 0.93


def test_a_small_sample_leaves_the_side_of_a_high_percentile_open() -> None:
    assert percentile_ranks(0.99, 25)[1] is None
    assert percentile_ranks(0.5, 2) == (None, None)


def test_a_mean_of_equal_values_is_certain() -> None:
    assert mean_interval(5.0, 0.0, 10) == (5.0, 5.0)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300), st.sampled_from([50, 90, 95, 99]))
def test_percentiles_lie_within_one_percent_of_the_exact_ones(values: list[int], q: int) -> None:
    sketch: dict[int, int] = {}
    for value in values:
        sketch[bucket_of(value)] = sketch.get(bucket_of(value), 0) + 1
    exact = sorted(values)[max(0, -(-q * len(values) // 100) - 1)]
    reading = Reading("resolution_time", Summary(len(values), sum(values), 0, sketch))
    found = reading.measure(f"p{q}")  # type: ignore[arg-type]  # one of the four
    assert found.value == pytest.approx(exact, rel=0.01)
    assert getattr(reading.figure(), f"p{q}") == found.value


def test_the_interval_of_a_mean_agrees_with_the_textbook_within_the_sketchs_error() -> None:
    drawn = random.Random(7)
    values = [int(drawn.lognormvariate(12, 1)) for _ in range(400)]
    summary = Summary(n=len(values), total=sum(values), sketch=Counter(map(bucket_of, values)))
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = 1.959964 * deviation / math.sqrt(len(values))
    found = Reading("resolution_time", summary).measure("mean")
    assert found.value == mean
    assert found.low == pytest.approx(mean - half, rel=0.02)
    assert found.high == pytest.approx(mean + half, rel=0.02)
