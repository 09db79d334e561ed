"""Percentiles are values that were measured; a figure is flat when it ends where it began."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import percentile, slope, trend

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.9, 90.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_a_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


@given(VALUES, st.floats(0, 1))
def test_a_percentile_was_measured_and_enough_values_do_not_exceed_it(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_without_values_there_is_no_percentile_and_no_trend() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match="nothing was measured"):
        trend([])


def test_the_slope_of_a_line_is_its_own() -> None:
    assert slope([(x, 3.0 * x + 7) for x in range(10)]) == pytest.approx(3.0)
    assert slope([(1.0, 2.0)]) == slope([]) == 0.0


def test_a_leak_is_no_flat_figure_and_noise_is() -> None:
    leak = trend([(float(s), 100.0 + s) for s in range(60)])
    assert leak.per_minute == pytest.approx(60.0)
    assert (leak.first, leak.last) == (109.5, 149.5)
    assert not leak.is_flat(10.0)
    assert trend([(float(s), 100.0 + s % 2) for s in range(60)]).is_flat(1.0)
