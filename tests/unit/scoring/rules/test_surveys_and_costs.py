"""Rules say what surveys must be like, what costs are in, and judge in the indicator's unit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from pydantic import ValidationError

from services.scoring.core.rules import RuleHistory, SurveyRules
from services.scoring.rule_document import RuleDocument
from services.scoring.rule_files import digest_of
from shared.contracts.indicators import INDICATORS
from tests.unit.scoring.rule_texts import EVERYTHING, HEAD, TARGETS, history, rule_set


def target(indicator: str, measure: str, limit: object, scope: str = "department:*") -> str:
    side = "at_most" if INDICATORS[indicator].direction == "lower" else "at_least"
    return (
        f"targets: [{{id: t, name: {{en: T, zh: 目标}}, indicator: {indicator}, "
        f'measure: {measure}, {side}: {limit}, window: 1h, applies_to: ["{scope}"]}}]\n'
    )


def test_surveys_have_their_usual_scale_unless_the_rules_say_otherwise() -> None:
    rules = rule_set("surveys:\n  nps: {wording: q1}\n  csat: {scale: [1, 5]}\n")
    assert rules.survey("nps") == SurveyRules((0, 10), "q1")
    assert rules.survey("csat") == SurveyRules((1, 5), None)
    assert rules.survey("ces") == SurveyRules((1, 7), None)
    assert rules.survey("qa") == SurveyRules(None, None)


@pytest.mark.parametrize(
    ("indicator", "measure", "limit", "found"),
    [
        ("ces", "mean", 0.75, 0.75),
        ("nps", "mean", -20, -20.0),
        ("cost_per_ticket", "p90", 12_000, 12_000.0),
        ("handling_time", "mean", "10m", 600_000.0),
    ],
)
def test_limits_are_in_the_unit_of_the_indicator(
    indicator: str, measure: str, limit: object, found: float
) -> None:
    (one,) = rule_set(EVERYTHING, target(indicator, measure, limit)).targets
    assert one.limit == found


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (target("ces", "mean", 5), "share of the scale"),
        (target("nps", "mean", 120), "from -100 to 100"),
        (target("nps", "ratio", 0.5), "measure it by mean"),
        (target("cost_per_ticket", "mean", "5m"), "give mean a number"),
        (target("throughput", "value", 3), "apply it to employee"),
        (target("cost_per_ticket", "mean", 3, "employee:*/*"), "no figure of employees"),
    ],
)
def test_what_cannot_be_judged_so_is_refused(text: str, mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        rule_set(EVERYTHING, text)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (TARGETS + "surveys: {nps: {scale: [1, 5]}}\n", "0 to 10 alone"),
        (TARGETS + "surveys: {ces: {scale: [7, 1]}}\n", "must rise"),
        (TARGETS + "surveys: {smile: {}}\n", "Input should be"),
        (TARGETS + "currency: yuan\n", "should match"),
        (TARGETS + "allocated_cost_minor_per_ticket: 5\n", "needs a currency"),
        (target("cost_per_ticket", "mean", 3), "needs a currency"),
        (target("throughput", "value", 3, "employee:*/*"), "needs a calendar"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(text: str, mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        rule_set(text)


def test_an_organisation_keeps_its_costs_in_one_currency() -> None:
    yuan = rule_set("currency: CNY\n")
    euro = replace(rule_set("currency: EUR\n"), version="test-2", valid_from_ms=2**41)
    unpriced = replace(rule_set(), version="test-3", valid_from_ms=2**42)
    assert RuleHistory([yuan, unpriced], {}).at(2**42).currency is None
    with pytest.raises(ValueError, match="several currencies"):
        RuleHistory([yuan, euro], {})


def test_rules_that_do_without_later_keys_have_the_digest_that_they_always_had() -> None:
    plain = HEAD + target("csat", "ratio", 0.5)
    costly = plain + "currency: CNY\n"
    known = "bcd591cdd13bc3b9af840e638a5bea664e92ce2d43b7ccb4bc65e099dd3f7a54"
    assert digest_of(RuleDocument.model_validate(yaml.safe_load(plain))) == known
    assert digest_of(RuleDocument.model_validate(yaml.safe_load(costly))) != known


def test_time_on_duty_is_known_only_where_there_was_a_calendar_throughout() -> None:
    midnight = 20_000 * 86_400_000
    nine, ten = midnight + 9 * 3_600_000, midnight + 10 * 3_600_000
    assert history(EVERYTHING).on_duty_ms(nine, ten) == 3_600_000
    assert history().on_duty_ms(nine, ten) is None
