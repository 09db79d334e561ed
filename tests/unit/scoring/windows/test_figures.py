"""How figures are read from the sums of a window, kind by kind."""

from __future__ import annotations

import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.core.derived import DERIVED, DerivedReading
from services.scoring.core.figures import Reading, Summary, exact_mean
from services.scoring.core.intervals import Z95
from services.scoring.core.sketch import bucket_of
from shared.contracts.indicators import INDICATORS, is_settled

DAY_MS = 86_400_000


def ratings(values: list[int]) -> Summary:
    return Summary(len(values), sum(values), 0, dict(Counter(values)))


def opinions(values: list[int]) -> Summary:
    return Summary(len(values), sum(values), values.count(1))


def half_width(values: list[float]) -> float:
    return float(Z95 * statistics.stdev(values) / len(values) ** 0.5)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=60))
def test_a_rating_is_the_mean_share_of_the_scale_with_its_exact_interval(values: list[int]) -> None:
    shares = [value / 1000 for value in values]
    figure = Reading("ces", ratings(values)).figure()
    mean, half = statistics.fmean(shares), half_width(shares)
    assert figure.n == len(values)
    assert figure.value == pytest.approx(mean)
    assert figure.low == pytest.approx(max(0.0, mean - half), abs=1e-9)
    assert figure.high == pytest.approx(min(1.0, mean + half), abs=1e-9)
    assert figure.p50 is None


@given(st.lists(st.sampled_from((-1, 0, 1)), min_size=2, max_size=60))
def test_a_balance_is_promoters_less_detractors_with_its_exact_interval(values: list[int]) -> None:
    figure = Reading("nps", opinions(values)).figure()
    points = [100.0 * value for value in values]
    mean, half = statistics.fmean(points), half_width(points)
    assert figure.value == pytest.approx(mean)
    assert figure.good == values.count(1)
    assert figure.low == pytest.approx(max(-100.0, mean - half), abs=1e-6)
    assert figure.high == pytest.approx(min(100.0, mean + half), abs=1e-6)


@pytest.mark.parametrize(("indicator", "of"), [("nps", opinions), ("qa_score", ratings)])
def test_one_answer_has_no_interval(indicator: str, of: object) -> None:
    measured = Reading(indicator, of([1])).measure("mean")  # type: ignore[operator]  # one of the two functions above
    assert (measured.n, measured.low, measured.high) == (1, None, None)


@pytest.mark.parametrize("indicator", INDICATORS)
def test_without_a_case_there_is_no_share_and_no_mean(indicator: str) -> None:
    one = INDICATORS[indicator]
    reading = DerivedReading(indicator, None, DAY_MS) if indicator in DERIVED else None
    figure = (reading or Reading(indicator, None)).figure()
    assert figure.n == 0
    assert figure.value == (0.0 if one.kind in ("count", "gauge") else None)


def test_a_share_of_more_than_all_has_an_interval_of_numbers() -> None:
    """Damaged where it comes from; a comparison with what is no number would settle nothing."""
    measured = Reading("sla_attainment", Summary(2, 0, 3)).measure("ratio")
    assert measured.low == measured.low
    assert measured.high == 1.0


def test_kinds_and_measures_that_there_are_not_are_refused() -> None:
    summary = Summary(1, 1, 1)
    with pytest.raises(ValueError, match="kind"):
        summary.figure("no kind")
    with pytest.raises(ValueError, match="kind"):
        summary.measure("no kind", "mean")
    with pytest.raises(ValueError, match="measure"):
        summary.measure("duration", "p42")
    with pytest.raises(ValueError, match="bucket"):
        Summary(1, 1, 1, {4095: 1})


@pytest.mark.parametrize("indicator", INDICATORS)
def test_a_cell_of_any_indicator_has_a_figure(indicator: str) -> None:
    """Also of one for which nothing is measured."""
    assert Reading(indicator, Summary(2, 30, 1, {5: 2})).figure().n == 2


@pytest.mark.parametrize(("kind", "n"), [("rating", 0), ("duration", 3)])
def test_a_mean_of_no_answers_is_refused(kind: str, n: int) -> None:
    with pytest.raises(ValueError, match="answer"):
        exact_mean(kind, n, 3, 3)


def test_a_cost_is_read_like_a_duration_in_minor_units() -> None:
    costs = [250, 1_320, 1_320, 9_000]
    sketch = dict(Counter(map(bucket_of, costs)))
    reading = Reading("cost_per_ticket", Summary(len(costs), sum(costs), 0, sketch))
    figure = reading.figure()
    assert (figure.n, figure.total, figure.value) == (4, 11_890, 2_972.5)
    assert figure.p50 == pytest.approx(1_320, rel=0.01)
    assert figure.low is not None
    assert figure.low < 2_972.5


def test_throughput_is_resolutions_per_hour_on_duty() -> None:
    reading = DerivedReading("throughput", Summary(12, 12, 12), 4 * 3_600_000)
    assert reading.measure("value") == (12, 3.0, None, None)
    assert reading.figure().value == 3.0


def test_utilisation_is_handling_out_of_time_on_duty() -> None:
    reading = DerivedReading("utilisation", Summary(2, 5_400_000, 0), 2 * 3_600_000)
    assert reading.measure("value").value == 0.75


@pytest.mark.parametrize("on_duty_ms", [0, None])
def test_without_time_on_duty_there_is_no_value(on_duty_ms: int | None) -> None:
    assert (
        DerivedReading("throughput", Summary(12, 12, 12), on_duty_ms).measure("value").value is None
    )


def test_every_derived_indicator_says_of_what() -> None:
    assert set(DERIVED) == {one.id for one in INDICATORS.values() if one.kind == "derived"}


@pytest.mark.parametrize(
    ("indicator", "later_ms", "settled"),
    [
        ("first_contact_resolution", 7 * DAY_MS - 1, False),
        ("first_contact_resolution", 7 * DAY_MS, True),
        ("handling_time", 0, True),
    ],
)
def test_a_figure_settles_when_no_case_can_turn_out_otherwise(
    indicator: str, later_ms: int, settled: bool
) -> None:
    assert is_settled(indicator, DAY_MS, DAY_MS + later_ms) == settled
