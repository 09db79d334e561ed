"""The composite score: piecewise-linear points by fixed anchors, weights, caps."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from services.scoring.core.figures import Measured
from services.scoring.core.rules import Anchors, Measure, MustPass, ScoreRules, ScoreTerm
from shared.contracts.figures import ScorePart
from shared.contracts.indicators import INDICATORS

Lookup = Callable[[str, Measure], Measured]
"""Gives the figure of an indicator, measured so."""


class Score(NamedTuple):
    """``value`` 0 to 100, or None when the rules withhold it; ``parts`` tell how it came about."""

    value: float | None
    parts: list[ScorePart]


def points(value: float, anchors: Anchors, target_points: float) -> float:
    """0 at the floor and beyond, ``target_points`` at the target, 100 at the stretch and beyond;
    linear between them."""
    to_target = (value - anchors.floor) / (anchors.target - anchors.floor)
    if to_target <= 1:
        return max(0.0, to_target) * target_points
    to_stretch = (value - anchors.target) / (anchors.stretch - anchors.target)
    return target_points + min(1.0, to_stretch) * (100 - target_points)


def score(rules: ScoreRules, department: str, lookup: Lookup) -> Score:
    """The score of a scope in a department. A term without enough data is missing: the rules say
    whether the others carry its weight or the score is withheld."""
    parts = [_part(term, rules, department, lookup) for term in rules.terms]
    known = [(part.weight, part.points) for part in parts if part.points is not None]
    if not known or (rules.missing == "withhold" and len(known) < len(parts)):
        return Score(None, parts)
    weighted = sum(weight * gained for weight, gained in known)
    value = weighted / sum(weight for weight, _ in known)
    return Score(min([value, *_caps(rules, lookup)]), parts)


def _part(term: ScoreTerm, rules: ScoreRules, department: str, lookup: Lookup) -> ScorePart:
    measured = lookup(term.indicator, term.measure)
    gained = None
    if measured.value is not None and _enough(term.indicator, measured):
        gained = points(measured.value, term.anchors_for(department), rules.target_points)
    return ScorePart(indicator=term.indicator, weight=term.weight, points=gained)


def _caps(rules: ScoreRules, lookup: Lookup) -> list[float]:
    return [floor.cap for floor in rules.must_pass if _failed(floor, lookup)]


def _failed(floor: MustPass, lookup: Lookup) -> bool:
    measured = lookup(floor.indicator, floor.measure)
    if measured.value is None or not _enough(floor.indicator, measured):
        return False
    if floor.comparison == "at_least":
        return measured.value < floor.limit
    return measured.value > floor.limit


def _enough(indicator: str, measured: Measured) -> bool:
    return measured.n >= INDICATORS[indicator].minimum_sample
