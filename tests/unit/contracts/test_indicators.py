"""The registry of indicators: definitions in both languages, and a wire form that never moves."""

import re

import pytest

from shared.contracts.indicators import INDICATOR_IDS, INDICATORS, Indicator

EVERY_INDICATOR = pytest.mark.parametrize("one", INDICATORS.values(), ids=INDICATORS.keys())
HAN = re.compile("[\u4e00-\u9fff]")

ON_THE_WIRE = (
    "first_response_time",
    "resolution_time",
    "resolution_time_last",
    "resolution_rate",
    "reopen_rate",
    "transfer_rate",
    "backlog",
    "csat",
    "survey_response_rate",
    "complaint_rate",
    "tickets_opened",
    "tickets_resolved",
    "tickets_reassigned",
    "tickets_reopened",
    "tickets_complained",
    "first_response_time_business",
    "resolution_time_business",
    "sla_attainment",
    "sla_at_risk",
    "next_response_time",
    "next_response_time_business",
    "handling_time",
    "first_contact_resolution",
    "nps",
    "ces",
    "cost_per_ticket",
    "qa_score",
    "peer_review",
    "manager_review",
    "throughput",
    "utilisation",
)
"""A stored record names an indicator by its place here. Append; never insert, move or remove."""


def test_the_place_of_every_indicator_is_what_stored_records_say() -> None:
    assert INDICATOR_IDS == ON_THE_WIRE


@EVERY_INDICATOR
def test_users_of_both_languages_find_a_name_and_a_definition(one: Indicator) -> None:
    assert all(HAN.search(text) for text in (one.name.zh, one.definition.zh))
    assert not any(HAN.search(text) for text in (one.name.en, one.definition.en))
    assert one.definition.en.endswith(".")
    assert one.definition.zh.endswith("。")


@EVERY_INDICATOR
def test_the_unit_follows_from_the_kind(one: Indicator) -> None:
    units = {
        "duration": {"ms"},
        "ratio": {"ratio"},
        "count": {"tickets", "events"},
        "gauge": {"tickets"},
        "amount": {"minor"},
        "rating": {"scale"},
        "balance": {"points"},
        "derived": {"per_hour", "ratio"},
    }
    assert one.unit in units[one.kind]


@EVERY_INDICATOR
def test_only_numbers_that_need_no_sample_are_shown_without_one(one: Indicator) -> None:
    assert (one.minimum_sample == 0) == (one.kind in ("count", "gauge"))


@EVERY_INDICATOR
def test_what_can_be_judged_has_a_direction(one: Indicator) -> None:
    either_way = one.kind == "count" or one.id == "utilisation"
    assert (one.direction == "none") == either_way


@EVERY_INDICATOR
def test_what_may_turn_out_otherwise_settles_in_a_week(one: Indicator) -> None:
    by_cohort = {"opening", "first resolution", "last resolution", "survey sent"}
    is_open_ended = one.cohort in by_cohort and one.kind not in ("count", "duration")
    assert one.settles_ms in (0, 7 * 86_400_000)
    assert bool(one.settles_ms) == (is_open_ended or one.id == "resolution_time_last")


def test_cost_alone_is_no_figure_of_employees() -> None:
    assert [one.id for one in INDICATORS.values() if not one.individual] == ["cost_per_ticket"]


def test_no_two_indicators_share_a_name() -> None:
    assert len({one.name.en for one in INDICATORS.values()}) == len(INDICATORS)
    assert len({one.name.zh for one in INDICATORS.values()}) == len(INDICATORS)
