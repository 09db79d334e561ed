"""Deadlines are timers: what falls due is booked when time has passed it, event or no event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.scoring.core import engine as engine_module
from services.scoring.core.engine import Engine, Flush
from services.scoring.core.stream_time import LIVE_MS, partition_time
from shared.contracts.indicators import INDICATOR_IDS
from tests.unit.scoring.engine_events import START, Log, event, new_engine
from tests.unit.scoring.promising import OFFICE_HOURS, promise_rules, successive

HOUR = 60
T = "T-1"
STORES = {"department": "stores", "team": "north", "employee": "li.na"}
SALES = {"department": "after-sales", "team": "returns", "employee": "wang.wei"}
OPENED_AT_STORES = event("ticket.opened", T, 0, STORES)
RULES = promise_rules(
    ("first_response_time", "department:*", "1h"), ("resolution_time", "department:*", "10h")
)

Booked = tuple[str, int, int, int, float, str]
"""Indicator, sign, value, good, minutes after START, department."""


def at(minutes: float) -> int:
    return round((START + timedelta(minutes=minutes)).timestamp() * 1000)


def booked(flush: Flush, *indicators: str) -> list[Booked]:
    places = [INDICATOR_IDS.index(name) for name in indicators or ("sla_attainment",)]
    return [
        (
            INDICATOR_IDS[r.indicator],
            r.sign,
            r.value,
            r.good,
            (r.time_ms - at(0)) / 60_000,
            r.department,
        )
        for batch in flush.measurements
        for r in batch.rows
        if r.indicator in places
    ]


def attainment(flush: Flush) -> list[tuple[int, int, float]]:
    """Sign, good, minutes."""
    return [(sign, good, minutes) for _, sign, _, good, minutes, _ in booked(flush)]


class Partition:
    """An engine with its log."""

    def __init__(self) -> None:
        self.engine, self.log = new_engine(RULES), Log()

    def flush(self, events: Sequence[dict[str, Any]] = (), until: float = 0) -> Flush:
        self.log.append(events)
        self.log.feed(self.engine)
        self.engine.advance(at(until))
        return self.engine.flush(caught_up=True)


def test_a_miss_is_booked_at_its_deadline_though_no_further_event_comes() -> None:
    partition = Partition()
    assert booked(partition.flush([OPENED_AT_STORES])) == []
    assert not partition.engine.has_due
    assert attainment(partition.flush(until=HOUR + 1)) == [(1, 0, 60)]
    assert attainment(partition.flush(until=11 * HOUR)) == [(1, 0, 600)]
    assert booked(partition.flush(until=1000 * HOUR)) == []


def test_time_that_has_only_reached_a_deadline_lets_an_answer_still_come() -> None:
    partition = Partition()
    assert booked(partition.flush([OPENED_AT_STORES], until=HOUR)) == []
    reply = event("response.sent", T, HOUR, {"sender": "employee"})
    assert attainment(partition.flush([reply], until=2 * HOUR)) == [(1, 1, 60)]


def test_an_event_of_another_ticket_moves_time_on() -> None:
    partition = Partition()
    partition.flush([OPENED_AT_STORES])
    other = event("ticket.opened", "T-2", 2 * HOUR, SALES)
    assert attainment(partition.flush([other])) == [(1, 0, 60)]


def test_a_late_reply_takes_a_miss_back() -> None:
    partition = Partition()
    assert attainment(partition.flush([OPENED_AT_STORES], until=5 * HOUR)) == [(1, 0, 60)]
    reply = event("response.sent", T, 20, {"sender": "employee"})
    assert attainment(partition.flush([reply])) == [(-1, 0, 60), (1, 1, 20)]


def test_a_late_event_does_not_hide_what_falls_due_in_the_same_flush() -> None:
    partition = Partition()
    partition.flush([OPENED_AT_STORES, event("ticket.customer_replied", T, 20)])
    late = event("ticket.customer_replied", T, 10)
    assert attainment(partition.flush([late], until=2 * HOUR)) == [(1, 0, 60)]


def test_a_duration_that_is_told_afterwards_takes_a_miss_back() -> None:
    partition = Partition()
    partition.flush([OPENED_AT_STORES], until=3 * HOUR)
    data = {"metric": "first_response_time", "duration_ms": 59 * 60_000}
    told = event("response.measured", T, 4 * HOUR, data)
    assert attainment(partition.flush([told])) == [(-1, 0, 60), (1, 1, 240)]


@pytest.mark.parametrize(("minutes", "good"), [(59, 1), (60, 1), (61, 0)])
def test_a_told_duration_is_judged_by_the_limit(minutes: int, good: int) -> None:
    data = {"metric": "first_response_time", "duration_ms": minutes * 60_000}
    told = event("response.measured", T, 30, data)
    assert attainment(Partition().flush([OPENED_AT_STORES, told])) == [(1, good, 30)]


def test_a_promise_near_its_deadline_is_at_risk_with_its_holder_until_it_is_settled() -> None:
    partition = Partition()
    partition.flush([OPENED_AT_STORES])
    near = partition.flush(until=50)
    assert booked(near, "sla_at_risk") == [("sla_at_risk", 1, 1, 0, 48, "stores")]
    moved = partition.flush([event("ticket.assigned", T, 51, SALES)])
    assert booked(moved, "sla_at_risk") == [
        ("sla_at_risk", 1, -1, 0, 51, "stores"),
        ("sla_at_risk", 1, 1, 0, 51, "after-sales"),
    ]
    replied = partition.flush([event("response.sent", T, 55, {"sender": "employee"})])
    assert booked(replied, "sla_at_risk") == [("sla_at_risk", 1, -1, 0, 55, "after-sales")]


def test_rows_that_time_alone_states_name_the_opening_and_the_promise() -> None:
    flush = Partition().flush([OPENED_AT_STORES], until=11 * HOUR)
    rows = [r for batch in flush.measurements for r in batch.rows]
    opening = next(r for r in rows if r.indicator == INDICATOR_IDS.index("tickets_opened"))
    missed = [r for r in rows if r.indicator == INDICATOR_IDS.index("sla_attainment")]
    assert [(r.sequence, r.event) for r in missed] == [(0, opening.event), (1, opening.event)]
    risks = [r for r in rows if r.indicator == INDICATOR_IDS.index("sla_at_risk")]
    assert [(r.value, r.sequence) for r in risks] == [(1, 0), (-1, 2), (1, 5), (-1, 7)]


def restored(flushes: Sequence[Flush]) -> Engine:
    engine = new_engine(RULES)
    engine.restore([record for flush in flushes for record in flush.changelog])
    engine.finish_restore()
    return engine


def test_a_restored_engine_knows_what_is_still_to_fall_due_and_what_is_booked() -> None:
    partition = Partition()
    flushes = [partition.flush([OPENED_AT_STORES]), partition.flush(until=2 * HOUR)]
    partition.engine = restored(flushes)
    assert partition.engine.stream_ms == at(2 * HOUR)
    assert not partition.engine.has_due
    reply = event("response.sent", T, 30, {"sender": "employee"})
    assert attainment(partition.flush([reply])) == [(-1, 0, 60), (1, 1, 30)]
    assert attainment(partition.flush(until=12 * HOUR)) == [(1, 0, 600)]


def test_a_deadline_that_an_answer_has_overtaken_makes_no_flush_due() -> None:
    partition = Partition()
    reply = event("response.sent", T, 5, {"sender": "employee"})
    partition.flush([OPENED_AT_STORES, reply, event("ticket.resolved", T, 9)])
    partition.engine.advance(at(100 * HOUR))
    assert not partition.engine.has_due


def test_deadlines_in_turns_end_like_those_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event("ticket.opened", f"T-{n}", n, STORES) for n in range(30)]
    late = event("response.sent", "T-7", 20, {"sender": "employee"})
    at_once = Partition().flush([*events, late], until=20 * HOUR)
    monkeypatch.setattr(engine_module, "MOST_DEADLINES", 5)
    partition = Partition()
    flushes = [partition.flush(events), partition.flush([late], until=20 * HOUR)]
    while partition.engine.has_due:
        flushes.append(partition.flush())
    assert len(flushes) > 10
    assert standing(flushes) == standing([at_once])


def standing(flushes: Sequence[Flush]) -> list[Booked]:
    balance: dict[Booked, int] = {}
    for flush in flushes:
        for name, sign, value, good, minutes, department in booked(flush, *INDICATOR_IDS):
            key = (name, 1, value, good, minutes, department)
            balance[key] = balance.get(key, 0) + sign
    return sorted(row for row, count in balance.items() for _ in range(count))


def test_a_bare_opening_that_would_be_late_by_its_first_holder_is_replayed() -> None:
    partition = Partition()
    bare = event("ticket.opened", T, 0, {"channel": "phone"})
    partition.flush([bare])
    named = partition.flush([event("ticket.assigned", T, 90, STORES)])
    assert booked(named) == [("sla_attainment", 1, 1, 0, 60, "stores")]
    other = Partition()
    other.flush([bare])
    assert booked(other.flush([event("ticket.assigned", T, 9, STORES)])) == []


def test_a_version_that_comes_into_force_at_the_end_of_time_holds_no_deadline_up() -> None:
    limit = ("resolution_time_business", "department:*", "10h")
    rules = successive(
        promise_rules(limit, calendar=OFFICE_HOURS),
        promise_rules(limit, version="v2", valid_from="9999-12-31T00:00:00Z"),
    )
    engine, log = new_engine(rules), Log()
    log.append([OPENED_AT_STORES])
    log.feed(engine)
    engine.advance(at(3 * 24 * HOUR))
    assert attainment(engine.flush(caught_up=True)) == [(1, 0, 26 * HOUR - 60)]


@pytest.mark.parametrize(
    ("stream", "watermark", "caught_up", "expected"),
    [
        (0, 0, True, 0),  # nothing was ever read
        (0, 9_000, True, 10_000),  # live
        (0, 9_000, False, 9_000),  # records wait to be read
        (0, 5_000, True, 10_000),
        (9_500, 4_000, True, 10_000),  # a quiet stream that was live goes on
        (9_500, 4_000, False, 9_500),
        (12_000, 4_000, True, 12_000),  # it never goes back
    ],
)
def test_time_follows_the_clock_while_live_and_never_goes_back(
    stream: int, watermark: int, *, caught_up: bool, expected: int
) -> None:
    now = partition_time(stream, watermark, 10_000, caught_up=caught_up)
    assert now == expected


def test_a_replay_of_an_old_file_stays_at_its_watermark() -> None:
    assert partition_time(7, 1_000, 1_001 + LIVE_MS, caught_up=True) == 1_000
