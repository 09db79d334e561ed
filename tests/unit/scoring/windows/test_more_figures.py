"""Ratings, balances and what is made of the time on duty, from panes to verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest

from services.scoring.core.evaluation import Evaluation
from services.scoring.core.rules import RuleHistory
from shared.contracts.breaches import Breach
from shared.contracts.figures import Figure, ScoreRecord, decode_score, encode_score
from shared.contracts.panes import Watermark
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
    evaluation.tick(NOON)
    due = evaluation.due_scores(NOON, 500)
    return {(r.scope, r.window): decode_score(encode_score(r)) for r in due if r is not None}


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


NINE = NOON - 3 * 60 * MINUTE_MS
PACE = history(
    EVERYTHING,
    """\
targets:
  - id: pace
    name: {en: Pace, zh: 节奏}
    indicator: throughput
    measure: value
    at_least: 10
    window: 1h
    minimum_sample: 4
    applies_to: ["employee:*/*"]
""",
)
MORNING = [Fact(0, NINE + 5 * MINUTE_MS + n, "tickets_resolved", 1, 0, "ann") for n in range(6)]


def told_of_a_morning(told_at: Iterable[int], replayed_after_ms: int = 0) -> list[Breach]:
    """The breaches of an employee who resolved six tickets at five past nine and none after.
    ``told_at`` are the minutes after nine at which a source says how far it has come."""
    evaluation = Evaluation(PACE, 1, fresh=True)
    first = update(0, cells_touched([], MORNING, UTC), watermark_ms=NINE + 6 * MINUTE_MS)
    found = []
    for minute in told_at:
        at_ms = NINE + minute * MINUTE_MS
        now_ms = at_ms + replayed_after_ms
        evaluation.take([first, Watermark(0, 1 + minute, at_ms, False, 0)], now_ms)
        found += evaluation.tick(now_ms)
    return found


def test_what_is_derived_is_judged_anew_as_time_on_duty_passes() -> None:
    began, ended = told_of_a_morning(range(6, 80))
    assert (began.transition, began.scope, began.n) == ("breached", "employee:d/ann", 6)
    assert began.at_ms == NINE + 37 * MINUTE_MS  # six in 36 minutes are ten an hour
    assert (ended.transition, ended.at_ms) == ("cleared", NINE + 65 * MINUTE_MS)


@pytest.mark.parametrize("told_at", [[6, 180], [6, 45, 50, 60, 180], range(6, 181)])
def test_in_a_replay_it_is_judged_at_every_quarter_hour(told_at: Iterable[int]) -> None:
    began, ended = told_of_a_morning(told_at, replayed_after_ms=90 * DAY_MS)
    assert (began.transition, began.at_ms) == ("breached", NINE + 45 * MINUTE_MS)
    assert (ended.transition, ended.at_ms) == ("cleared", NINE + 75 * MINUTE_MS)


def test_a_replay_passes_over_years_in_which_nothing_is_derived() -> None:
    years = 10 * 365 * 24 * 60
    assert len(told_of_a_morning([6, years], replayed_after_ms=90 * DAY_MS)) == 2
