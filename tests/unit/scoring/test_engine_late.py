"""Late events: judged within their topic, whatever a batch or another topic has brought before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.scoring.core.engine import Engine, Flush
from services.scoring.rule_files import load_rules
from shared.contracts.indicators import INDICATOR_IDS
from tests.unit.scoring.engine_events import Log, event, new_engine

RULES = load_rules(None)
DAY = 24 * 60.0
"""In minutes."""
YEAR = 365 * DAY


def _life(ticket: str, at: float) -> list[dict[str, Any]]:
    return [
        event("ticket.opened", ticket, at, {"department": "stores"}),
        event("response.sent", ticket, at + 5, {"sender": "employee"}),
        event("ticket.resolved", ticket, at + 60),
        event("survey.answered", ticket, at + 90, _answer()),
    ]


def _answer() -> dict[str, Any]:
    return {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 5}


def _sparse_year() -> list[dict[str, Any]]:
    lives = [_life(f"T-{day}", day * DAY) for day in range(0, 365, 10)]
    return [one for life in lives for one in life]


def _counts(flushes: Sequence[Flush]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in (row for flush in flushes for batch in flush.measurements for row in batch.rows):
        name = INDICATOR_IDS[row.indicator]
        counts[name] = counts.get(name, 0) + row.sign
    return counts


def _refused(flushes: Sequence[Flush]) -> list[str]:
    return [letter.reason for flush in flushes for letter in flush.dead_letters]


@pytest.mark.parametrize("caught_up", [True, False])
def test_a_batch_that_spans_a_year_loses_nothing(caught_up: bool) -> None:
    engine, log = new_engine(RULES), Log()
    log.append(_sparse_year())
    log.feed(engine)
    flush = engine.flush(caught_up=caught_up)
    assert _refused([flush]) == []
    assert _counts([flush])["first_response_time"] == len(range(0, 365, 10))


def _read_topic_by_topic(log: Log, *, restart: bool) -> list[Flush]:
    flushes: list[Flush] = []
    engine = new_engine(RULES)
    for place, records in enumerate(log.records):
        for record in records:
            engine.process(place, [record])
            flushes.append(engine.flush(caught_up=False))
        engine = _restored(flushes) if restart else engine
    return flushes


def _restored(flushes: Sequence[Flush]) -> Engine:
    engine = new_engine(RULES)
    engine.restore([record for flush in flushes for record in flush.changelog])
    engine.finish_restore()
    return engine


@pytest.mark.parametrize("restart", [False, True])
def test_a_topic_that_is_read_a_year_ahead_makes_no_other_late(restart: bool) -> None:
    log = Log()
    log.append(_sparse_year())
    flushes = _read_topic_by_topic(log, restart=restart)
    tickets = len(range(0, 365, 10))
    assert _refused(flushes) == []
    counts = _counts(flushes)
    assert (counts["first_response_time"], counts["csat"]) == (tickets, tickets)


def test_an_event_is_late_when_its_own_topic_has_come_beyond_the_horizon() -> None:
    engine, log = new_engine(RULES), Log()
    log.append([*_life("T-1", 100 * DAY), event("ticket.opened", "T-2", 60 * DAY)])
    log.feed(engine)
    assert _refused([engine.flush(caught_up=True)]) == ["too_late"]


def test_a_repeated_event_of_a_remembered_ticket_is_no_dead_letter_however_old() -> None:
    engine, log = new_engine(RULES), Log()
    opening = event("ticket.opened", "T-1", 0)
    log.append([opening, *_life("T-2", 100 * DAY), opening])
    log.feed(engine)
    flush = engine.flush(caught_up=True)
    assert (_refused([flush]), flush.counts.duplicates) == ([], 1)


def _replayed_twice(log: Log) -> list[Flush]:
    engine = new_engine(RULES)
    flushes = []
    for _ in range(2):
        log.append(_sparse_year())
        log.feed(engine)
        flushes.append(engine.flush(caught_up=True))
    return flushes


def test_a_log_that_is_sent_twice_counts_once_although_tickets_were_forgotten() -> None:
    first, second = _replayed_twice(Log())
    assert _counts([second]) == {}
    assert set(_refused([first, second])) == {"too_late"}


def test_an_excluded_event_that_is_sent_again_within_the_horizon_stays_excluded() -> None:
    opening = event("ticket.opened", "T-1", 100 * DAY, {"department": "stores"}, id="opening")
    excluding = {"action": "exclude", "reason": "test call", "event_id": "opening"}
    engine, log = new_engine(RULES), Log()
    log.append([opening, event("ticket.corrected", "T-1", 100 * DAY + 5, excluding)])
    log.append(_life("T-2", 110 * DAY))
    log.feed(engine)
    first = engine.flush(caught_up=True)
    again = _restored([first])
    log.append([opening])
    log.feed(again)
    second = again.flush(caught_up=True)
    assert (again.tickets, second.counts.duplicates) == (2, 1)
    assert _counts([second]) == {}


def test_a_ticket_is_forgotten_only_when_no_topic_would_take_its_events_again() -> None:
    engine, log = new_engine(RULES), Log()
    log.append([*_life("T-1", 0), event("ticket.opened", "T-2", YEAR)])
    log.feed(engine)
    engine.flush(caught_up=True)
    log.append(_life("T-1", 0))
    log.feed(engine)
    again = engine.flush(caught_up=True)
    assert (again.counts.duplicates, _refused([again]), engine.tickets) == (4, [], 2)
