"""The interval ledger says whose time a ticket took, and agrees with what the engine measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.calendars import Calendar
from services.scoring.core.rules import RuleHistory
from services.scoring.core.timeline import Holder, Segment, by_holder
from shared.contracts.indicators import INDICATOR_IDS
from tests.unit.scoring.engine_events import Log, measure, new_engine
from tests.unit.scoring.promising import promise_rules, successive
from tests.unit.scoring.test_clock_cases import (
    BERLIN,
    CHINA,
    IT,
    NIGHTS,
    STORES,
    Step,
    T,
    exempt,
    local_ms,
    told,
)
from tests.unit.scoring.test_engine_order import corrected_lives, histories

LIMIT = ("resolution_time", "department:*", "8h")
AROUND_THE_CLOCK = promise_rules(LIMIT, exclude_waiting=True)
OFFICE = promise_rules(LIMIT, calendar=CHINA, exclude_waiting=True)
NIGHT_SHIFTS = promise_rules(LIMIT, calendar=NIGHTS, exclude_waiting=True, **BERLIN)
NEW_HOURS = successive(
    OFFICE,
    promise_rules(
        LIMIT,
        calendar='week: {mon-fri: ["10:00-16:00"]}',
        exclude_waiting=True,
        version="v2",
        valid_from="2026-03-03T00:00:00+08:00",
    ),
)
AT_STORES, AT_IT = (Holder(h["department"], h["team"], h["employee"]) for h in (STORES, IT))
MON, TUE, WED = "2026-03-02T", "2026-03-03T", "2026-03-04T"


def timeline(events: Sequence[dict[str, Any]], rules: RuleHistory, until_ms: int) -> list[Segment]:
    """Of the one ticket that the events speak of."""
    engine, log = new_engine(rules), Log()
    log.append(events)
    log.feed(engine)
    engine.flush(caught_up=True)
    return engine.timeline(events[0]["subject"], until_ms)


def segments(rules: RuleHistory, steps: Sequence[Step], until: str) -> list[Segment]:
    return timeline(told(steps, rules.zone), rules, local_ms(until, rules.zone))


def hours(found: Sequence[Segment], *causes: str) -> float:
    return sum(s.length_ms for s in found if not causes or s.cause in causes) / 3_600_000


def test_a_ticket_s_time_falls_into_segments_of_one_cause_and_holder() -> None:
    steps: list[Step] = [
        (MON + "11:00", "opened", STORES),
        (MON + "14:00", "waiting"),
        (MON + "15:00", "resumed"),
        (MON + "16:00", "assigned", IT),
        (TUE + "08:00", "waiting", {"on": "third_party"}),
        (TUE + "10:00", "resumed"),
        (TUE + "11:00", "resolved"),
        (TUE + "12:00", "corrected", exempt(MON + "17:00", MON + "17:30")),
    ]
    expected = [
        (MON + "11:00", MON + "12:00", "working", AT_STORES, True),
        (MON + "12:00", MON + "13:00", "off_hours", AT_STORES, False),
        (MON + "13:00", MON + "14:00", "working", AT_STORES, True),
        (MON + "14:00", MON + "15:00", "waiting_customer", AT_STORES, True),
        (MON + "15:00", MON + "16:00", "working", AT_STORES, True),
        (MON + "16:00", MON + "17:00", "working", AT_IT, True),
        (MON + "17:00", MON + "17:30", "exempt", AT_IT, True),
        (MON + "17:30", MON + "18:00", "working", AT_IT, True),
        (MON + "18:00", TUE + "08:00", "off_hours", AT_IT, False),
        (TUE + "08:00", TUE + "09:00", "waiting_third_party", AT_IT, False),
        (TUE + "09:00", TUE + "10:00", "waiting_third_party", AT_IT, True),
        (TUE + "10:00", TUE + "11:00", "working", AT_IT, True),
    ]
    at = OFFICE.zone
    assert segments(OFFICE, steps, WED + "09:00") == [
        Segment(local_ms(start, at), local_ms(end, at), cause, holder, in_hours)  # type: ignore[arg-type]  # a table of texts
        for start, end, cause, holder, in_hours in expected
    ]


def test_time_between_a_resolution_and_a_reopening_is_nobody_s() -> None:
    steps: list[Step] = [
        (MON + "09:00", "opened", STORES),
        (MON + "11:00", "resolved"),
        (MON + "20:00", "reopened"),
        (MON + "21:00", "resolved"),
    ]
    assert hours(segments(AROUND_THE_CLOCK, steps, WED + "09:00")) == 3


def test_an_open_ticket_s_time_goes_on_until_it_is_asked_for() -> None:
    steps: list[Step] = [(MON + "09:00", "opened", STORES), (MON + "10:00", "waiting")]
    found = segments(AROUND_THE_CLOCK, steps, MON + "12:30")
    assert (hours(found, "working"), hours(found, "waiting_customer")) == (1, 2.5)
    assert segments(AROUND_THE_CLOCK, steps, MON + "08:00") == []
    assert segments(AROUND_THE_CLOCK, steps[1:], MON + "12:30") == []


@pytest.mark.parametrize(
    ("rules", "start", "end", "working", "off_hours"),
    [
        (NIGHT_SHIFTS, "2026-03-28T12:00", "2026-03-29T12:00", 7, 16),  # a day of 23 hours
        (NIGHT_SHIFTS, "2026-10-24T12:00", "2026-10-25T12:00", 9, 16),  # a day of 25 hours
        (OFFICE, "2026-02-13T17:00", "2026-02-24T10:00", 10, 247),  # the 14th is made up
        (NEW_HOURS, MON + "09:00", WED + "09:00", 8 + 6, 34),
        (AROUND_THE_CLOCK, MON + "09:00", TUE + "09:00", 24, 0),
    ],
)
def test_hours_are_those_of_the_calendar_in_force(
    rules: RuleHistory, start: str, end: str, working: float, off_hours: float
) -> None:
    found = segments(rules, [(start, "opened", STORES)], end)
    assert (hours(found, "working"), hours(found, "off_hours")) == (working, off_hours)


@settings(max_examples=150, deadline=None)
@given(
    histories(corrected_lives),
    st.sampled_from((AROUND_THE_CLOCK, OFFICE, NEW_HOURS)),
)
def test_segments_sum_to_the_resolution_times_that_the_engine_states(
    events: list[dict[str, Any]], rules: RuleHistory
) -> None:
    """But for tickets closed unresolved: their clock goes on, though nobody works on them; and for
    times that a source measured itself, of which it knows no instants."""
    clocked = [e for e in events if e["type"] not in ("ticket.closed", "response.measured")]
    for ticket in {event["subject"] for event in clocked}:
        own = [e for e in clocked if e["subject"] == ticket]
        stated = resolution_times(own, rules)
        if stated:
            resolved_ms, elapsed = stated["resolution_time"]
            found = timeline(own, rules, resolved_ms)
            working = [s for s in found if s.cause in ("working", "off_hours")]
            assert sum(s.length_ms for s in working) == elapsed
            shares = by_holder(found).values()
            assert sum(c.get("working", 0) + c.get("off_hours", 0) for c in shares) == elapsed
            worked = sum(s.length_ms for s in working if s.in_hours)
            assert stated.get("resolution_time_business", (resolved_ms, worked))[1] == worked


def resolution_times(
    events: Sequence[dict[str, Any]], rules: RuleHistory
) -> dict[str, tuple[int, int]]:
    """Instant and value of what the engine states."""
    return {
        INDICATOR_IDS[row.indicator]: (row.time_ms, row.value)
        for batch in measure(rules, events).measurements
        for row in batch.rows
        if INDICATOR_IDS[row.indicator] in ("resolution_time", "resolution_time_business")
    }


def test_a_calendar_that_fails_tells_no_wrong_timeline(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Step] = [(MON + "09:00", "opened", STORES), (MON + "10:00", "resolved")]
    flush = measure(OFFICE, told(steps, OFFICE.zone))

    def fail(*_: object) -> None:
        raise OverflowError("no such day")

    with monkeypatch.context() as patch:
        patch.setattr(Calendar, "spans", fail)
        engine = new_engine(OFFICE)
    engine.restore(flush.changelog)
    engine.finish_restore()
    with pytest.raises(OverflowError, match="no such day"):
        engine.timeline(T, local_ms(WED + "10:00", OFFICE.zone))
