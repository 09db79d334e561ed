"""Ratings, balances and what is made of the time on duty, from panes to verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest

from services.scoring.core.evaluation import Evaluation
from services.scoring.core.rules import RuleHistory
from shared.contracts.figures import Figure, ScoreRecord
from tests.unit.scoring.rule_texts import EVERYTHING, history
from tests.unit.scoring.windows.pane_stream import MINUTE_MS, Fact, cells_touched, update

UTC = ZoneInfo("UTC")
DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + 12 * 60 * MINUTE_MS
TARGETS = """\
targets:
  - id: effort
    name: {en: Easy, zh: 轻松}
    indicator: ces
    measure: mean
    at_least: 0.75
    window: 1h
    applies_to: ["department:*"]
  - id: promoted
    name: {en: Promoted, zh: 受推荐}
    indicator: nps
    measure: mean
    at_least: 20
    window: 1h
    applies_to: ["department:*"]
    evidence: value
  - id: brisk
    name: {en: Brisk, zh: 利落}
    indicator: throughput
    measure: value
    at_least: 10
    window: 24h
    minimum_sample: 4
    applies_to: ["employee:*/*"]
"""
RULES = history(EVERYTHING, TARGETS)
Records = dict[tuple[str, str], ScoreRecord]


def records(facts: Iterable[Fact], rules: RuleHistory = RULES) -> Records:
    """What is sent of live facts, by scope and window."""
    evaluation = Evaluation(rules, 1, fresh=True)
    evaluation.take([update(0, cells_touched([], list(facts), UTC), watermark_ms=NOON)], NOON)
    return {(r.scope, r.window): r for r in evaluation.tick(NOON).scores}


def facts(indicator: str, *values: int, good: int = 0) -> list[Fact]:
    return [Fact(0, NOON - n, indicator, value, good, "ann") for n, value in enumerate(values)]


def figure(found: Records, scope: str, window: str, name: str) -> Figure:
    (one,) = [f for f in found[scope, window].figures if f.indicator == name]
    return one


def test_a_rating_is_judged_in_shares_of_its_scale() -> None:
    found = records(facts("ces", *[500, 700] * 20))
    effort = figure(found, "department:d", "1h", "ces")
    (verdict,) = effort.targets
    assert (verdict.verdict, verdict.limit, verdict.breached) == ("missed", 0.75, True)
    assert verdict.value == pytest.approx(0.6)
    assert verdict.high is not None
    assert verdict.high < 0.75


def test_a_rating_whose_interval_reaches_the_limit_is_missed_and_no_breach() -> None:
    found = records(facts("ces", *[0, 1000, 1000] * 9))
    (verdict,) = figure(found, "department:d", "1h", "ces").targets
    assert (verdict.verdict, verdict.breached) == ("missed", False)


def test_a_balance_is_judged_in_points() -> None:
    found = records([*facts("nps", *[1] * 10, good=1), *facts("nps", *[-1] * 20)])
    nps = figure(found, "department:d", "1h", "nps")
    (verdict,) = nps.targets
    assert (nps.n, nps.good) == (30, 10)
    assert nps.value == pytest.approx(-100 / 3)
    assert verdict.verdict == "missed"


def test_time_on_duty_is_the_working_time_of_the_window_up_to_now() -> None:
    found = records(
        [*facts("tickets_resolved", 1, 1, 1, 1, 1, 1), *facts("handling_time", 5_400_000)]
    )
    throughput = figure(found, "employee:d/ann", "1h", "throughput")
    utilisation = figure(found, "employee:d/ann", "24h", "utilisation")
    assert throughput.value == pytest.approx(6 / (59 / 60))
    on_duty_ms = (3 + 4.75) * 3_600_000  # since 9 o'clock, and yesterday from a quarter past twelve
    assert utilisation.value == pytest.approx(5_400_000 / on_duty_ms)


def test_what_is_derived_is_judged_by_its_value() -> None:
    found = records(facts("tickets_resolved", 1, 1, 1, 1, 1, 1))
    (verdict,) = figure(found, "employee:d/ann", "24h", "throughput").targets
    assert (verdict.verdict, verdict.breached) == ("missed", True)


def test_only_employees_have_derived_figures_and_only_with_a_calendar() -> None:
    resolved = facts("tickets_resolved", 1, 1)
    of_department = records(resolved)["department:d", "1h"].figures
    bare = records(resolved, history())["employee:d/ann", "1h"].figures
    assert {f.indicator for f in of_department} & {"throughput", "utilisation"} == set()
    assert {f.indicator for f in bare} == {"tickets_resolved"}


def test_a_figure_says_that_its_cases_may_still_turn_out_otherwise() -> None:
    found = records(
        [*facts("first_contact_resolution", 1, good=1), *facts("handling_time", 60_000)]
    )
    assert figure(found, "department:d", "1h", "first_contact_resolution").provisional
    assert not figure(found, "department:d", "1h", "handling_time").provisional
