"""What one ticket's history is worth, case by case."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from services.scoring.core.engine import Flush, Record, RulesChangedError
from services.scoring.core.rules import RuleHistory
from services.scoring.measure.flush_policy import BEHIND, CALM, FlushPolicy, Pace
from services.scoring.rule_files import load_rules
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import Measurement
from tests.unit.scoring.engine_events import START, Log, event, measure, new_engine
from tests.unit.scoring.promising import IN_OFFICE_HOURS

RULES = load_rules(None)
T = "T-1"
STORES = {"department": "stores", "team": "north", "employee": "li.na"}
SALES = {"department": "after-sales", "team": "returns", "employee": "wang.wei"}
OPENED = event("ticket.opened", T, 0, {**STORES, "channel": "phone", "category": "refund"})


def rows(flush: Flush, indicator: str) -> list[Measurement]:
    place = INDICATOR_IDS.index(indicator)
    return [r for batch in flush.measurements for r in batch.rows if r.indicator == place]


def values(flush: Flush, indicator: str) -> list[tuple[int, int, str]]:
    return [(r.value, r.good, r.employee) for r in rows(flush, indicator)]


def minutes(number: float) -> int:
    return round(number * 60_000)


def test_a_bot_does_not_stop_the_clock_of_the_first_response() -> None:
    bot = event("response.sent", T, 1, {"sender": "bot"})
    person = event("response.sent", T, 7, {"sender": "employee"})
    flush = measure(RULES, [OPENED, bot, person])
    assert [v[0] for v in values(flush, "first_response_time")] == [minutes(7)]


def test_a_response_belongs_to_its_sender_in_the_place_of_the_holder() -> None:
    reply = event("response.sent", T, 7, {"sender": "employee", "employee": "zhao.min"})
    (row,) = rows(measure(RULES, [OPENED, reply]), "first_response_time")
    assert (row.department, row.team, row.employee) == ("stores", "north", "zhao.min")


def test_a_measured_first_response_counts_only_where_no_reply_is_known() -> None:
    data = {"metric": "first_response_time", "duration_ms": 5000}
    measured = event("response.measured", T, 3, data)
    reply = event("response.sent", T, 7, {"sender": "employee"})
    alone = measure(RULES, [OPENED, measured])
    both = measure(RULES, [OPENED, measured, reply])
    assert [v[0] for v in values(alone, "first_response_time")] == [5000]
    assert [v[0] for v in values(both, "first_response_time")] == [minutes(7)]


def test_reassigning_does_not_move_the_credit_of_a_resolution() -> None:
    resolved = event("ticket.resolved", T, 30)
    moved = event("ticket.assigned", T, 40, SALES)
    (row,) = rows(measure(RULES, [OPENED, resolved, moved]), "resolution_time")
    assert (row.department, row.employee, row.value) == ("stores", "li.na", minutes(30))


def test_a_ticket_back_from_its_queue_to_the_same_employee_was_not_transferred() -> None:
    queue = event("ticket.assigned", T, 5, {"department": "stores", "team": "north"})
    back = event("ticket.assigned", T, 9, STORES)
    flush = measure(RULES, [OPENED, queue, back])
    assert rows(flush, "tickets_reassigned") == []
    assert [v[1] for v in values(flush, "transfer_rate")] == [0]


def test_a_transfer_counts_the_ticket_once_and_each_reassignment() -> None:
    there = event("ticket.assigned", T, 5, SALES)
    back = event("ticket.assigned", T, 9, STORES)
    flush = measure(RULES, [OPENED, there, back])
    assert [r.department for r in rows(flush, "tickets_reassigned")] == ["stores", "after-sales"]
    assert [v[1] for v in values(flush, "transfer_rate")] == [1]


def test_a_source_that_counts_reassignments_itself_is_believed() -> None:
    to_queue = {"department": "stores", "team": "north", "transfer": True}
    moved = {**SALES, "transfer": False}
    counted = measure(RULES, [OPENED, event("ticket.assigned", T, 5, to_queue)])
    uncounted = measure(RULES, [OPENED, event("ticket.assigned", T, 5, moved)])
    assert [r.employee for r in rows(counted, "tickets_reassigned")] == ["li.na"]
    assert [v[1] for v in values(counted, "transfer_rate")] == [1]
    assert rows(uncounted, "tickets_reassigned") == []


def test_a_first_assignment_names_the_holder_at_opening() -> None:
    opened = event("ticket.opened", T, 0, {"channel": "phone"})
    assigned = event("ticket.assigned", T, 2, STORES)
    flush = measure(RULES, [opened, assigned])
    (row,) = rows(flush, "tickets_opened")
    assert row.department == "stores"
    assert rows(flush, "tickets_reassigned") == []


def test_the_backlog_moves_with_the_ticket() -> None:
    moved = event("ticket.assigned", T, 5, SALES)
    resolved = event("ticket.resolved", T, 9)
    reopened = event("ticket.reopened", T, 20)
    flush = measure(RULES, [OPENED, moved, resolved, reopened])
    changes = [(r.department, r.value) for r in rows(flush, "backlog")]
    assert changes == [
        ("stores", 1),
        ("stores", -1),
        ("after-sales", 1),
        ("after-sales", -1),
        ("after-sales", 1),
    ]


def test_a_reopened_ticket_is_unresolved_again_and_its_last_resolution_counts_apart() -> None:
    history = [OPENED, event("ticket.resolved", T, 10), event("ticket.reopened", T, 20)]
    open_again = measure(RULES, history)
    resolved_again = measure(RULES, [*history, event("ticket.resolved", T, 50)])
    assert [v[1] for v in values(open_again, "resolution_rate")] == [0]
    assert [v[1] for v in values(resolved_again, "resolution_rate")] == [1]
    assert [v[0] for v in values(resolved_again, "resolution_time")] == [minutes(10)]
    assert [v[0] for v in values(resolved_again, "resolution_time_last")] == [minutes(50)]
    assert [v[1] for v in values(resolved_again, "reopen_rate")] == [1]


def test_a_survey_speaks_of_whoever_resolved_last() -> None:
    resolved = event("ticket.resolved", T, 10)
    moved = event("ticket.assigned", T, 20, SALES)
    answer = {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 4}
    answered = event("survey.answered", T, 30, answer)
    flush = measure(RULES, [OPENED, resolved, moved, answered])
    assert values(flush, "csat") == [(750, 1, "li.na")]


@pytest.mark.parametrize(
    ("low", "high", "value", "good"),
    [(1, 5, 3, 0), (1, 5, 4, 1), (1, 5, 5, 1), (0, 10, 7, 0), (0, 10, 8, 1), (1, 2, 2, 1)],
)
def test_an_answer_is_good_from_three_quarters_up_the_scale(
    low: int, high: int, value: int, good: int
) -> None:
    data = {"kind": "csat", "scale": {"min": low, "max": high}, "value": value}
    flush = measure(RULES, [OPENED, event("survey.answered", T, 30, data)])
    assert [v[1] for v in values(flush, "csat")] == [good]


def test_other_surveys_never_enter_customer_satisfaction() -> None:
    scale = {"min": 0, "max": 10}
    nps = event("survey.answered", T, 30, {"kind": "nps", "scale": scale, "value": 9})
    peer = {"kind": "csat", "scale": scale, "value": 9, "rater_role": "peer"}
    flush = measure(RULES, [OPENED, nps, event("survey.answered", T, 31, peer)])
    assert values(flush, "csat") == []


def test_an_excluded_event_never_was() -> None:
    resolved = event("ticket.resolved", T, 10, id="r1")
    data = {"action": "exclude", "event_id": "r1", "reason": "entered by mistake"}
    corrected = event("ticket.corrected", T, 60, data)
    flush = measure(RULES, [OPENED, resolved, corrected])
    assert values(flush, "resolution_time") == []
    assert [v[1] for v in values(flush, "resolution_rate")] == [0]


def test_a_reattributed_event_belongs_to_whom_the_correction_names() -> None:
    reply = event("response.sent", T, 7, {"sender": "employee", "employee": "zhao.min"}, id="x")
    data = {"action": "reattribute", "event_id": "x", "employee": "sun.li", "reason": "shared desk"}
    flush = measure(RULES, [OPENED, reply, event("ticket.corrected", T, 60, data)])
    assert [v[2] for v in values(flush, "first_response_time")] == ["sun.li"]


def test_a_correction_that_comes_before_its_event_does_not_pass_for_it() -> None:
    engine, log = new_engine(RULES), Log()
    reply = event("response.sent", T, 7, {"sender": "employee", "employee": "zhao.min"}, id="x")
    data = {"action": "reattribute", "event_id": "x", "employee": "sun.li", "reason": "shared desk"}
    stated: list[list[str]] = []
    for batch in ([OPENED, event("ticket.corrected", T, 60, data)], [reply], [reply]):
        log.append(batch)
        log.feed(engine)
        flush = engine.flush(caught_up=True)
        stated.append([v[2] for v in values(flush, "first_response_time")])
    assert stated == [[], ["sun.li"], []]


def test_exempt_time_is_taken_off_the_clock() -> None:
    data: dict[str, Any] = {
        "action": "exempt",
        "reason": "power cut",
        "start": (START + timedelta(minutes=5)).isoformat(),
        "end": (START + timedelta(minutes=15)).isoformat(),
    }
    resolved = event("ticket.resolved", T, 30)
    flush = measure(RULES, [OPENED, resolved, event("ticket.corrected", T, 60, data)])
    assert [v[0] for v in values(flush, "resolution_time")] == [minutes(20)]


def test_times_before_the_opening_measure_nothing_and_are_counted() -> None:
    reply = event("response.sent", T, -3, {"sender": "employee"})
    resolved = event("ticket.resolved", T, -1)
    flush = measure(RULES, [reply, resolved, OPENED])
    assert values(flush, "first_response_time") == []
    assert values(flush, "resolution_time") == []
    assert flush.counts.anomalies == {"response_before_opening": 1, "resolved_before_opening": 1}


@pytest.mark.parametrize(
    ("history", "anomaly"),
    [
        ([event("ticket.resolved", T, 5)], "resolved_without_opening"),
        ([OPENED, event("ticket.reopened", T, 5)], "reopened_while_open"),
        ([OPENED, event("ticket.resumed", T, 5)], "resumed_without_waiting"),
        ([OPENED, event("ticket.closed", T, 5)], "closed_unresolved"),
        (
            [OPENED, event("ticket.resolved", T, 5), event("ticket.resolved", T, 6)],
            "resolved_twice",
        ),
        ([OPENED, event("ticket.opened", T, 6, SALES)], "opened_twice"),
    ],
)
def test_a_contradiction_is_counted_by_its_name(
    history: list[dict[str, Any]], anomaly: str
) -> None:
    assert measure(RULES, history).counts.anomalies[anomaly] == 1


def test_an_event_from_the_future_is_refused_and_moves_no_watermark() -> None:
    future = event("ticket.resolved", T, 6, received=START)
    flush = measure(RULES, [OPENED, future])
    assert [letter.reason for letter in flush.dead_letters] == ["future"]
    assert flush.watermark.watermark_ms == round(START.timestamp() * 1000)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.123456Z"])
@pytest.mark.parametrize("rules", [RULES, IN_OFFICE_HOURS])
def test_an_event_that_claims_to_be_received_at_the_end_of_time_is_refused(
    text: str, rules: RuleHistory
) -> None:
    last = {**OPENED, "id": "last", "time": text, "receivedtime": text}
    flush = measure(rules, [OPENED, last])
    assert [letter.reason for letter in flush.dead_letters] == ["implausible_time"]
    assert flush.watermark.watermark_ms == round(START.timestamp() * 1000)


def test_an_event_behind_the_horizon_is_refused() -> None:
    old = event("ticket.opened", "T-2", -36 * 24 * 60, STORES)
    flush = measure(RULES, [OPENED, old])
    assert [letter.reason for letter in flush.dead_letters] == ["too_late"]


@pytest.mark.parametrize("value", [b"", None, b"{", b"[]", b'{"specversion":"1.0"}', b"\xff\xfe"])
def test_bytes_that_are_no_event_are_refused_with_their_reason(value: bytes | None) -> None:
    engine = new_engine(RULES)
    engine.process(0, [Record(0, 0, None, value)])
    flush = engine.flush(caught_up=True)
    assert [letter.reason for letter in flush.dead_letters] == ["undecodable"]
    assert engine.positions[0] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"specversion": "0.3"},
        {"specversion": "2.0"},
        {"dataschema": "urn:bellwether:event:ticket.opened:v2"},
        {"type": "ticket.opened.v2"},
        {"type": "ticket.vanished"},
        {"subject": ""},
        {"subject": None},
        {"id": ""},
        {"time": "yesterday"},
        {"data": None},
    ],
)
def test_an_event_of_an_unknown_version_or_of_no_ticket_is_refused_and_counted(
    wrong: dict[str, Any],
) -> None:
    engine = new_engine(RULES)
    good = {**OPENED, "id": "another"}
    for offset, body in enumerate(({**OPENED, **wrong}, good)):
        engine.process(0, [Record(offset, 0, b"T-1", json.dumps(body).encode())])
    flush = engine.flush(caught_up=True)
    assert flush.counts.dead_letters == {"undecodable": 1}
    assert flush.dead_letters[0].detail
    assert (flush.counts.events, engine.tickets) == (2, 1)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ticket.assigned", SALES),
        ("ticket.waiting", {"on": "customer"}),
        ("ticket.complained", {}),
        ("response.sent", {"sender": "employee"}),
        ("ticket.reopened", {}),
        ("ticket.closed", {}),
    ],
)
def test_an_event_of_a_ticket_that_was_never_opened_is_counted_and_waits_for_its_opening(
    kind: str, data: dict[str, Any]
) -> None:
    engine, log = new_engine(RULES), Log()
    log.append([event(kind, T, 5, data)])
    log.feed(engine)
    early = engine.flush(caught_up=True)
    assert (early.counts.anomalies["no_opening"], early.dead_letters) == (1, [])
    assert rows(early, "tickets_opened") == rows(early, "backlog") == []
    log.append([OPENED])
    log.feed(engine)
    assert len(rows(engine.flush(caught_up=True), "tickets_opened")) == 1


def test_a_contradictory_order_ends_like_the_order_of_its_times() -> None:
    history = [
        OPENED,
        event("ticket.resolved", T, 10),
        event("ticket.reopened", T, 20),
        event("ticket.resolved", T, 30),
    ]
    there, back = measure(RULES, history), measure(RULES, history[::-1])
    assert there.measurements[0].rows == back.measurements[0].rows
    assert there.counts.anomalies == back.counts.anomalies == {}


def test_a_ticket_that_never_ends_is_cut_off() -> None:
    many = [event("ticket.customer_replied", T, n / 1000) for n in range(2005)]
    flush = measure(RULES, [OPENED, *many])
    assert flush.counts.dead_letters == {"too_many_events": 6}


def test_a_ticket_of_endless_names_is_cut_off_before_no_record_can_hold_it() -> None:
    many = [
        event("ticket.assigned", T, n / 60, dict.fromkeys(STORES, f"{n:0200}".replace("0", "零")))
        for n in range(1, 1500)
    ]
    flush = measure(RULES, [OPENED, *many])
    assert flush.counts.dead_letters.keys() == {"too_many_events"}
    assert max(map(len, flush.changelog)) < 4 * 1024 * 1024


def test_a_rule_version_whose_content_changed_is_not_applied() -> None:
    flush = measure(RULES, [OPENED])
    version = next(iter(RULES.digests))
    changed = RuleHistory([RULES.at(0)], {version: "another digest"})
    with pytest.raises(RulesChangedError, match="new version"):
        new_engine(changed).restore(flush.changelog)


def test_the_first_event_after_a_quiet_spell_flushes_at_once() -> None:
    policy = Pace(interval=0.2, max_events=100)
    assert policy.due(now=10.0, last_flush=5.0, pending=1)
    assert not policy.due(now=10.0, last_flush=9.9, pending=1)
    assert policy.due(now=10.0, last_flush=9.9, pending=100)
    assert policy.due(now=10.0, last_flush=9.9, pending=1, share=0.4)
    assert not policy.due(now=10.0, last_flush=5.0, pending=0)
    assert policy.wait(now=10.0, last_flush=9.9, pending=1, idle=0.5) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("waiting", "pace"),
    [(0, CALM), (CALM.max_events, CALM), (CALM.max_events + 1, BEHIND), (10**9, BEHIND)],
)
def test_who_is_behind_flushes_seldom_and_much(waiting: int, pace: Pace) -> None:
    assert FlushPolicy().pace(waiting) is pace
    assert (BEHIND.interval, BEHIND.max_events) > (CALM.interval, CALM.max_events)


@pytest.mark.parametrize(
    ("storing", "interval"),
    [(0.0, CALM.interval), (0.05, CALM.interval), (0.125, 0.25), (9.0, BEHIND.interval)],
)
def test_who_waits_long_for_a_transaction_flushes_less_often_up_to_a_limit(
    storing: float, interval: float
) -> None:
    assert FlushPolicy().pace(0, storing) == Pace(interval, CALM.max_events)
    assert FlushPolicy().pace(10**9, storing) is BEHIND


@pytest.mark.parametrize("key", [None, b"", b"T-2"])
def test_a_record_under_another_key_than_its_ticket_is_refused(key: bytes | None) -> None:
    engine = new_engine(RULES)
    engine.process(0, [Record(0, 0, key, json.dumps(OPENED).encode())])
    flush = engine.flush(caught_up=True)
    assert [letter.reason for letter in flush.dead_letters] == ["wrong_key"]
    assert flush.measurements == []
