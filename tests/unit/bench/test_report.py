"""The table, the ratios and the rows: a run that counted wrong is no figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import report
from bench.report import Outcome

OURS = Outcome("bellwether", "common", 9, 180_000.0, 200_000.0, 5.0, 120.0, "exact", "the ledger")
STREAMS = Outcome("kafka_streams", "common", 9, 30_000.0, 40_000.0, 9.0, 900.0, "exact", "nothing")
LIMIT = Outcome("limit", "common", 9, 300_000.0, 400_000.0, 2.0, 90.0, "nothing to count", "all")
FULL = Outcome("bellwether", "full", 9, 15_000.0, 20_000.0, 9.0, 300.0, "exact", "nothing")


def test_a_ratio_is_ours_over_theirs_by_cpu_time_on_the_same_job() -> None:
    found = report.ratios([OURS, STREAMS, LIMIT])
    assert found["kafka_streams"] == 5.0
    assert found["limit"] == 0.5
    assert found["rolling_kafka_streams"] is None


def test_the_other_client_is_compared_as_if_it_were_ours() -> None:
    ours = replace(OURS, name="bellwether_confluent", per_core=400_000.0)
    limit = replace(LIMIT, name="limit_confluent", per_core=500_000.0)
    outcomes = [OURS, STREAMS, LIMIT, ours, limit]
    assert report.ratios_on_other_client(outcomes)["kafka_streams"] == 10.0
    assert report.ratios_on_other_client(outcomes)["limit"] == 0.8
    assert report.ratios(outcomes)["kafka_streams"] == 5.0


def test_full_is_compared_with_the_limit_of_its_own_events() -> None:
    limit = replace(LIMIT, job="full", per_core=50_000.0)
    assert report.ratios([OURS, FULL, LIMIT, limit])["full_to_limit"] == 0.4


def test_full_is_also_held_against_kafka_streams_on_the_common_job() -> None:
    assert report.full_to_kafka_streams([FULL, STREAMS]) == 0.5
    assert report.full_to_kafka_streams([FULL]) is None


def test_a_peer_that_counts_wrong_has_no_row_and_no_ratio_but_a_reason() -> None:
    wrong = replace(STREAMS, verdict="WRONG: of 10 cells 3 missing")
    outcomes = [OURS, wrong]
    assert [row["name"] for row in report.rows(outcomes)] == ["bellwether"]
    assert report.ratios(outcomes)["kafka_streams"] is None
    assert report.reasons(outcomes) == {"rows:kafka_streams:common": "WRONG: of 10 cells 3 missing"}


def test_two_runs_of_a_variant_are_one_row_with_the_rates_over_both() -> None:
    slow = replace(OURS, per_second=90_000.0, per_core=100_000.0, peak_rss_mb=110.0)
    both, streams = report.merged([OURS, STREAMS, slow])
    assert (both.per_second, both.per_core) == pytest.approx((120_000.0, 133_333.3), rel=1e-6)
    assert (both.cpu_s, both.peak_rss_mb) == (10.0, 120.0)
    assert streams == STREAMS


def test_a_variant_that_counts_wrong_once_has_no_figure() -> None:
    wrong = replace(OURS, verdict="WRONG: of 10 cells 3 missing")
    assert report.merged([OURS, STREAMS, wrong]) == [wrong, STREAMS]


def test_we_have_no_ratio_either_when_we_count_wrong() -> None:
    wrong = replace(OURS, verdict="WRONG: of 10 cells 3 missing")
    assert report.ratios([wrong, STREAMS])["kafka_streams"] is None


def test_rows_have_the_shape_of_the_results_file() -> None:
    assert report.rows([OURS]) == [
        {
            "name": "bellwether",
            "job": "common",
            "events_per_s": 180_000,
            "events_per_s_per_core": 200_000,
            "peak_rss_mb": 120.0,
        }
    ]


def test_every_goal_is_a_ratio_of_the_results_file() -> None:
    assert set(report.GOALS) == set(report.ratios([]))


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (OURS, "200,000"),
        (replace(STREAMS, verdict="WRONG: of 10 cells 3 missing"), "WRONG: of 10 cells 3 missing"),
        (replace(STREAMS, verdict="failed: ended with 1\nTraceback"), "failed: ended with 1"),
    ],
)
def test_the_table_has_a_line_for_each_variant(outcome: Outcome, said: str) -> None:
    text = report.table([outcome])
    assert said in text
    assert f"{outcome.job} {outcome.name}: {outcome.leaves_out}" in text
    assert "Traceback" not in text


def test_the_table_says_which_goals_are_reached_missed_or_not_measured() -> None:
    lines = report.table([OURS, STREAMS, replace(LIMIT, per_core=500_000.0)]).splitlines()
    assert "  kafka_streams: 5.00 (goal 5: reached)" in lines
    assert "  limit: 0.40 (goal 0.5: missed)" in lines
    assert "  flink: not measured (goal 8)" in lines
