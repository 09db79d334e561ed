"""Answers enter the figure of their kind, role, scale and wording, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from services.scoring.core.rules import RuleHistory
from shared.contracts.indicators import INDICATOR_IDS
from tests.unit.scoring.engine_events import event, measure
from tests.unit.scoring.measured import rows
from tests.unit.scoring.rule_texts import EVERYTHING, history

T = "T-1"
OPENED = event("ticket.opened", T, 0, {"department": "stores", "employee": "li.na"})
RATED = ("csat", "nps", "ces", "qa_score", "peer_review", "manager_review")


def answer(kind: str, low: int, high: int, value: int, **more: str) -> dict[str, Any]:
    scale = {"min": low, "max": high}
    return event("survey.answered", T, 30, {"kind": kind, "scale": scale, "value": value, **more})


def booked(answered: dict[str, Any], rules: RuleHistory) -> list[tuple[str, int, int]]:
    flush = measure(rules, [OPENED, answered])
    found = [row for one in RATED for row in rows(flush, one)]
    return [(INDICATOR_IDS[row.indicator], row.value, row.good) for row in found]


@pytest.mark.parametrize(
    ("value", "balance", "good"),
    [(0, -1, 0), (6, -1, 0), (7, 0, 0), (8, 0, 0), (9, 1, 1), (10, 1, 1)],
)
def test_promoters_and_detractors_are_weighed_against_each_other(
    value: int, balance: int, good: int
) -> None:
    assert booked(answer("nps", 0, 10, value), history()) == [("nps", balance, good)]


@pytest.mark.parametrize(("value", "per_mille"), [(1, 0), (2, 167), (4, 500), (6, 833), (7, 1000)])
def test_a_rating_is_its_place_on_the_scale_to_the_nearest_per_mille(
    value: int, per_mille: int
) -> None:
    assert booked(answer("ces", 1, 7, value), history()) == [("ces", per_mille, 0)]


@pytest.mark.parametrize(
    ("kind", "role", "indicator"),
    [
        ("qa", "manager", "qa_score"),
        ("qa", "peer", "qa_score"),
        ("review", "peer", "peer_review"),
        ("review", "manager", "manager_review"),
    ],
)
def test_reviews_are_told_apart_by_who_rates(kind: str, role: str, indicator: str) -> None:
    assert booked(answer(kind, 1, 5, 4, rater_role=role), history()) == [(indicator, 750, 0)]


@pytest.mark.parametrize("kind", ["csat", "nps", "ces"])
@pytest.mark.parametrize("role", ["peer", "manager"])
def test_what_colleagues_say_is_no_answer_of_a_customer(kind: str, role: str) -> None:
    sent = event("survey.sent", T, 20, {"kind": kind})
    answered = answer(kind, *((1, 7, 7) if kind == "ces" else (0, 10, 9)), rater_role=role)
    assert booked(answered, history()) == []
    flush = measure(history(), [OPENED, sent, answered])
    assert sum(row.sign * row.good for row in rows(flush, "survey_response_rate")) == 0


@pytest.mark.parametrize(
    "answered",
    [
        answer("nps", 1, 5, 5, wording="nps-v1"),
        answer("ces", 1, 5, 5),
        answer("csat", 0, 10, 9),
        answer("qa", 1, 5, 5, rater_role="manager"),
    ],
)
def test_an_answer_on_another_scale_is_counted_and_not_mixed_in(answered: dict[str, Any]) -> None:
    rules = history(EVERYTHING)
    assert booked(answered, rules) == []
    assert measure(rules, [OPENED, answered]).counts.anomalies == {"other_scale": 1}


@pytest.mark.parametrize("wording", [{"wording": "nps-v2"}, {}])
def test_an_answer_to_another_question_is_counted_and_not_mixed_in(wording: dict[str, str]) -> None:
    rules, answered = history(EVERYTHING), answer("nps", 0, 10, 9, **wording)
    assert booked(answered, rules) == []
    assert measure(rules, [OPENED, answered]).counts.anomalies == {"other_wording": 1}


def test_rules_may_choose_another_scale_of_effort() -> None:
    rules = history("surveys:\n  ces: {scale: [1, 5]}\n")
    assert booked(answer("ces", 1, 5, 5), rules) == [("ces", 1000, 0)]
    assert booked(answer("ces", 1, 7, 5), rules) == []


def test_a_review_speaks_of_whom_it_names() -> None:
    answered = answer("review", 1, 5, 5, rater_role="peer", employee="sun.li")
    (row,) = rows(measure(history(), [OPENED, answered]), "peer_review")
    assert (row.department, row.employee) == ("stores", "sun.li")
