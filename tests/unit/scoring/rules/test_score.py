"""A score follows its fixed anchors, weights, caps and the declared policy for what is missing."""

from __future__ import annotations

import pytest

from services.scoring.core.figures import NOTHING, Measured
from services.scoring.core.rules import Anchors, Measure, MustPass, ScoreRules, ScoreTerm
from services.scoring.core.score import Lookup, points, score

CSAT = Anchors(floor=0.6, target=0.85, stretch=0.95)
SPEED = Anchors(floor=30.0, target=5.0, stretch=1.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, 0), (0.6, 0), (0.725, 40), (0.85, 80), (0.9, 90), (0.95, 100), (1.0, 100)],
)
def test_points_are_linear_between_the_anchors(value: float, expected: float) -> None:
    assert points(value, CSAT, 80) == pytest.approx(expected)


@pytest.mark.parametrize(("value", "expected"), [(60, 0), (30, 0), (5, 80), (3, 90), (0, 100)])
def test_anchors_may_fall(value: float, expected: float) -> None:
    assert points(value, SPEED, 80) == pytest.approx(expected)


def rules(missing: str = "exclude_and_renormalise") -> ScoreRules:
    own = {"stores": Anchors(0.2, 0.5, 0.8)}
    return ScoreRules(
        terms=(
            ScoreTerm("csat", "ratio", 0.75, CSAT, own),
            ScoreTerm("reopen_rate", "ratio", 0.25, Anchors(0.3, 0.1, 0.0), {}),
        ),
        must_pass=(MustPass("complaint_rate", "ratio", "at_most", 0.1, 59.0),),
        missing=missing,  # type: ignore[arg-type]  # one of the two policies
        target_points=80,
    )


def lookup(**figures: tuple[int, float]) -> Lookup:
    def find(indicator: str, _how: Measure) -> Measured:
        return Measured(*figures[indicator]) if indicator in figures else NOTHING

    return find


def scored(policy: ScoreRules, **figures: tuple[int, float]) -> float | None:
    return score(policy, "it", lookup(**figures)).value


def test_weights_count_in_proportion() -> None:
    assert scored(rules(), csat=(100, 0.85), reopen_rate=(100, 0.0)) == pytest.approx(85)


def test_a_department_may_have_its_own_anchors() -> None:
    figures = lookup(csat=(100, 0.5), reopen_rate=(100, 0.1))
    assert score(rules(), "stores", figures).value == pytest.approx(80)


def test_a_missing_indicator_is_never_zero() -> None:
    assert scored(rules(), csat=(100, 0.85)) == pytest.approx(80)


def test_too_small_a_sample_counts_as_missing() -> None:
    assert scored(rules(), csat=(100, 0.85), reopen_rate=(3, 1.0)) == pytest.approx(80)


def test_the_rules_may_withhold_an_incomplete_score() -> None:
    assert scored(rules("withhold"), csat=(100, 0.85)) is None


def test_without_any_figure_there_is_no_score() -> None:
    assert scored(rules()) is None


def test_a_failed_must_pass_floor_caps_the_score() -> None:
    figures = {"csat": (100, 0.95), "reopen_rate": (100, 0.0)}
    assert scored(rules(), **figures, complaint_rate=(100, 0.2)) == 59
    assert scored(rules(), **figures, complaint_rate=(100, 0.05)) == pytest.approx(100)


def test_the_parts_tell_how_the_score_came_about() -> None:
    parts = score(rules(), "it", lookup(csat=(100, 0.85))).parts
    assert [(p.indicator, p.weight, p.points) for p in parts] == [
        ("csat", 0.75, pytest.approx(80)),
        ("reopen_rate", 0.25, None),
    ]
