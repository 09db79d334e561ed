"""What the benchmark of the read API asks, writes and makes of it."""

from __future__ import annotations

import itertools

from bench import reads
from bench.reading.questions import questions
from bench.reading.records import EMPLOYEES, records
from shared.contracts.figures import WINDOWS, decode_score, encode_score
from shared.contracts.scopes import Scope


def test_there_is_a_record_of_every_employee_and_window_and_it_keeps_the_contract() -> None:
    written = [decode_score(encode_score(record)) for record in records(1_700_000_000_000)]
    assert len({record.key for record in written}) == EMPLOYEES * len(WINDOWS)
    assert {Scope.parse(record.scope).kind for record in written} == {"employee"}
    assert all(record.figures and record.score is not None for record in written)


def test_two_of_ten_questions_ask_for_everybody_in_all_windows() -> None:
    asked = list(itertools.islice(questions(), 600))
    assert sum(path == "/v1/scoreboard?limit=1000" for _, path in asked) == 120
    assert {kind for kind, _ in asked} == {"all", "window", "department"}
    assert all(any(f"window={name}&" in path for _, path in asked) for name in WINDOWS)


def test_the_percentiles_are_those_of_all_questions_together() -> None:
    times = {"all": [5.0] * 50, "window": [1.0] * 49 + [30.0]}
    found = reads.request_figures(
        {"ms": times, "bytes": {"all": 9, "window": 3}, "late_ms": [0.5], "failures": 1}, cores=0.25
    )
    assert found["reader_late_p99_ms"] == 0.5
    assert (found["p50_ms"], found["p99_ms"], found["max_ms"]) == (5.0, 5.0, 30.0)
    assert (found["requests"], found["failures"], found["cores"]) == (100, 1, 0.25)
    assert found["by_kind"]["window"] == {"p50_ms": 1.0, "p99_ms": 30.0, "bytes": 3}


def test_a_change_that_a_client_did_not_get_is_counted() -> None:
    found = reads.stream_figures({"events": [10, 8, 10], "lost": 1}, changes=10, cores=0.5)
    assert (found["sse_clients"], found["sse_missed"], found["sse_lost"]) == (3, 2, 1)


def test_a_goal_is_not_reached_by_what_was_not_answered_or_not_sent() -> None:
    times = {"ms": {"all": [5.0]}, "bytes": {"all": 9}, "late_ms": [0.5]}

    def told(failures: int, events: int) -> str:
        requests = reads.request_figures({**times, "failures": failures}, cores=0.25)
        return reads.table(
            {**requests, **reads.stream_figures({"events": [events], "lost": 0}, 10, 0.5)}
        )

    assert told(0, 10).count("reached") == 2
    assert told(1, 10).count("reached") == 1
    assert told(0, 9).count("reached") == 1
