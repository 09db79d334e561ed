"""How long customers wait for the next reply."""

from __future__ import annotations

from typing import Any

import pytest

from services.scoring.core.engine import Flush
from tests.unit.scoring.engine_events import Log, event, measure, new_engine
from tests.unit.scoring.measured import minutes, rows, standing
from tests.unit.scoring.rule_texts import EVERYTHING, history

RULES = history(EVERYTHING)
T = "T-1"
STORES = {"department": "stores", "team": "north", "employee": "li.na"}
OPENED = event("ticket.opened", T, 0, STORES)


def wrote(at: float) -> dict[str, Any]:
    return event("ticket.customer_replied", T, at)


def replied(at: float, **data: str) -> dict[str, Any]:
    return event("response.sent", T, at, {"sender": "employee", **data})


FIRST = replied(5)


def measured(*events: dict[str, Any]) -> list[int]:
    return standing([measure(RULES, [OPENED, *events])], "next_response_time")


def test_the_oldest_unanswered_message_waits_for_the_next_reply() -> None:
    assert measured(FIRST, wrote(10), wrote(25), replied(40)) == [minutes(30)]


def test_each_round_is_a_case_of_its_own() -> None:
    assert measured(FIRST, wrote(10), replied(12), wrote(20), replied(27)) == [
        minutes(2),
        minutes(7),
    ]


def test_a_reply_that_nobody_waits_for_measures_nothing() -> None:
    assert measured(FIRST, wrote(10), replied(12), replied(30)) == [minutes(2)]


def test_a_message_before_the_first_response_belongs_to_the_first_response() -> None:
    flush = measure(RULES, [OPENED, wrote(3), FIRST, replied(9)])
    assert standing([flush], "next_response_time") == []
    assert standing([flush], "first_response_time") == [minutes(5)]


def test_a_bot_answers_nobody() -> None:
    bot = event("response.sent", T, 11, {"sender": "bot"})
    assert measured(FIRST, wrote(10), bot, replied(40)) == [minutes(30)]


def test_a_reply_belongs_to_its_sender_at_the_instant_of_the_reply() -> None:
    flush = measure(RULES, [OPENED, FIRST, wrote(10), replied(40, employee="zhao.min")])
    (row,) = rows(flush, "next_response_time")
    assert (row.department, row.employee) == ("stores", "zhao.min")
    assert row.time_ms == rows(flush, "tickets_opened")[0].time_ms + minutes(40)


@pytest.mark.parametrize(("wait", "good"), [(120, 1), (120.1, 0)])
def test_a_case_is_good_within_the_limit_of_its_target(wait: float, good: int) -> None:
    flush = measure(RULES, [OPENED, FIRST, wrote(10), replied(10 + wait)])
    assert [row.good for row in rows(flush, "next_response_time")] == [good]


def test_thanks_after_the_resolution_keep_no_clock_running() -> None:
    resolved = event("ticket.resolved", T, 20)
    assert measured(FIRST, resolved, wrote(30), replied(500)) == []


def test_a_resolution_ends_the_wait_without_a_measurement() -> None:
    resolved, reopened = event("ticket.resolved", T, 20), event("ticket.reopened", T, 60)
    assert measured(FIRST, wrote(10), resolved, reopened, replied(90)) == []


def test_a_reopening_after_a_message_begins_a_wait() -> None:
    resolved, reopened = event("ticket.resolved", T, 20), event("ticket.reopened", T, 60)
    assert measured(FIRST, resolved, wrote(58), reopened, replied(90)) == [minutes(30)]


def test_a_reopening_without_a_message_begins_none() -> None:
    resolved, reopened = event("ticket.resolved", T, 20), event("ticket.reopened", T, 60)
    assert measured(FIRST, resolved, reopened, replied(90)) == []


def test_business_time_is_kept_beside_the_clock() -> None:
    evening, morning = 8.5 * 60, 25.5 * 60  # 16:30, and half past nine of the next day
    flush = measure(RULES, [OPENED, FIRST, wrote(evening), replied(morning)])
    assert standing([flush], "next_response_time") == [minutes(17 * 60)]
    assert standing([flush], "next_response_time_business") == [minutes(60)]


def test_without_a_calendar_there_is_no_business_time() -> None:
    flush = measure(history(), [OPENED, FIRST, wrote(10), replied(40)])
    assert rows(flush, "next_response_time_business") == []


def test_a_measured_wait_counts_only_where_the_events_tell_none() -> None:
    data = {"metric": "next_response_time", "duration_ms": 5000}
    by_source = [event("response.measured", T, at, data, id=f"m{at}") for at in (8, 60)]
    assert measured(*by_source) == [5000, 5000]
    assert measured(*by_source, FIRST, wrote(10), replied(40)) == [minutes(30)]


def test_a_message_that_comes_late_revises_the_wait() -> None:
    engine, log = new_engine(RULES), Log()
    flushes: list[Flush] = []
    for batch in ([OPENED, FIRST, wrote(20), replied(40)], [wrote(10)]):
        log.append(batch)
        log.feed(engine)
        flushes.append(engine.flush(caught_up=True))
    assert standing(flushes[:1], "next_response_time") == [minutes(20)]
    assert standing(flushes, "next_response_time") == [minutes(30)]
