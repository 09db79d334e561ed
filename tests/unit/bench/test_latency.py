"""What the benchmark of the whole system makes of what it saw."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench import latency
from bench.latency import Run
from bench.load.probes import TARGET, Matched
from bench.watch import Sample, Watched, Watcher, total
from bench.webhooks import Receiver

MB = 1_000_000


def watched(lag_per_s: float = 0.0, mb_per_s: float = 0.0) -> Watched:
    samples = [
        Sample(
            float(s),
            {"measure": lag_per_s * s, "notify": 0.0},
            {"measure": int((100 + mb_per_s * s) * MB), "api": 80 * MB},
            tickets=100 * s,
        )
        for s in range(60)
    ]
    return Watched(samples, {"measure": 30.0, "api": 6.0}, 60.0)


RUN = Run(
    rate=1_000,
    seconds=60,
    matched=Matched([100.0] * 98 + [200.0, 400.0], [150.0] * 100, 0),
    sent={"late_ms": [1.0] * 100, "answer_ms": [20.0] * 100, "refused": 0},
    watched=watched(),
)


def test_percentiles_are_in_the_results_with_how_many_they_rest_on() -> None:
    found = latency.results(RUN, [RUN])
    assert (found["rate"], found["p50_ms"], found["p99_ms"], found["max_ms"]) == (
        1_000,
        100.0,
        200.0,
        400.0,
    )
    assert (found["samples"], found["missing"], found["highest_rate_p99_1s"]) == (100, 0, 1_000)
    assert found["from_due"]["p50_ms"] == 150.0
    assert found["cores"] == {"measure": 0.5, "api": 0.1}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    "broken",
    [
        replace(RUN, matched=Matched([1_001.0] * 100, [1_001.0] * 100, 0)),
        replace(RUN, matched=Matched([100.0] * 99, [150.0] * 99, 1)),
        replace(RUN, matched=Matched([], [], 0)),
        replace(RUN, watched=watched(lag_per_s=100.0)),
        replace(RUN, watched=replace(watched(), missed=1)),
        replace(RUN, sent={**RUN.sent, "late_ms": [5_000.0] * 100}),
        replace(RUN, sent={**RUN.sent, "refused": 1}),
    ],
    ids=[
        "slow",
        "an alert is missing",
        "no alert",
        "lag grows",
        "a service gave no answer",
        "ingest is late",
        "refused",
    ],
)
def test_a_rate_is_not_carried_when(broken: Run) -> None:
    assert RUN.carried
    assert not broken.carried
    assert latency.results(broken, [broken])["highest_rate_p99_1s"] is None


def test_what_grows_is_said_by_process() -> None:
    grown = replace(RUN, watched=watched(mb_per_s=1.0))
    found = latency.results(grown, [grown])
    assert found["memory_flat"] == {"measure": False, "api": True}
    assert found["memory_mb"]["measure"]["per_minute"] == pytest.approx(60.0)
    assert found["measure_bytes_per_ticket"] == 10_000
    assert "GROWS" not in latency.summary(grown)
    assert "grows" in latency.summary(grown)


def test_the_windows_lag_is_what_it_is_right_after_a_commit() -> None:
    saw = [Sample(float(s), {"measure": 5.0, "windows": 100.0 * (s % 4)}, {}, 0) for s in range(12)]
    assert {lag for _, lag in Watched(saw).lag()} == {5.0}
    behind = [Sample(float(s), {"windows": 50.0 * s}, {}, 0) for s in range(12)]
    assert Watched(behind).lag()[-1][1] == 400.0


def test_a_broker_too_busy_to_tell_the_windows_lag_does_not_make_it_none() -> None:
    told = [Sample(float(s), {"windows": 50.0 * s}, {}, 0) for s in range(12)]
    silent = [Sample(float(s), {}, {}, 0) for s in range(12, 20)]
    assert Watched(told + silent).lag()[-1][1] == 550.0


def test_a_service_that_gives_no_answer_is_counted_and_watched_on() -> None:
    found, stopping = Watched(), _Twice()
    Watcher({}, {"measure": "http://127.0.0.1:1"})._sample(found, 0.0, stopping)  # type: ignore[arg-type]  # all that is asked of an event
    assert (found.missed, found.samples) == (2, [])


class _Twice:
    """An event that is set when it was waited for twice."""

    def __init__(self) -> None:
        self._waits = 0

    def wait(self, _seconds: float) -> bool:
        self._waits += 1
        return self._waits > 2


def test_a_metric_is_added_up_over_its_labels() -> None:
    lines = ["# HELP lag x", 'lag{partition="0"} 2.0', 'lag{partition="1"} 3.0', "lag_total 7.0"]
    assert total(lines, "lag") == 5.0
    assert total(lines, "lag_total") == 7.0


def message(kind: str = "alert.opened", target: str = TARGET) -> bytes:
    alert = {"target": target, "scope": "department:probe-7", "started_ms": 5}
    return json.dumps({"type": kind, "data": {"alert": alert}}).encode()


def test_the_first_attempt_of_an_alert_counts_and_no_other_message() -> None:
    receiver = Receiver("http://127.0.0.1:1/hook")
    receiver.take("m1", message(), 100.0)
    receiver.take("m1", message(), 900.0)
    receiver.take("m2", message("alert.resolved"), 300.0)
    receiver.take("m3", message(target="backlog"), 300.0)
    assert [(a.department, a.at_ms) for a in receiver.arrivals] == [("probe-7", 100.0)]
    assert receiver.messages == 4
