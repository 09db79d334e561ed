"""Clocks and promises, case by case: what is kept or missed, and at which local time.

Each case is a ticket's history in local time of its rules' zone. ``afterwards`` comes in a second
flush, when all that has fallen due by ``until`` is booked; what stands at the end is compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from services.scoring.core.rules import RuleHistory
from shared.contracts.indicators import INDICATOR_IDS
from tests.unit.scoring.engine_events import START, Log, event, new_engine
from tests.unit.scoring.promising import promise_rules, successive

T = "T-1"
Step = tuple[str, str] | tuple[str, str, dict[str, Any]]
"""Local time, type without its prefix, data."""

FIRST, SOLVED = 0, 1
STORES = {"department": "stores", "team": "north", "employee": "li.na"}
IT = {"department": "it", "team": "desk", "employee": "wang.wei"}
PERSON, BOT = {"sender": "employee"}, {"sender": "bot"}
CHINA = 'week: {mon-fri: ["09:00-12:00", "13:00-18:00"]}\npublic_holidays: china'
NIGHTS = 'week: {fri-sun: ["22:00-06:00"]}'
BERLIN = {"zone": "Europe/Berlin"}

CLOCK = promise_rules(
    ("first_response_time", "department:*", "1h"),
    ("resolution_time", "department:*", "8h"),
    ("resolution_time", "department:it", "4h"),
    exclude_waiting=True,
)
RESPONSE = promise_rules(("first_response_time", "department:*", "1h"))
SOLUTION = promise_rules(("resolution_time", "department:*", "8h"), exclude_waiting=True)
SOLUTION_WAITING_COUNTS = promise_rules(("resolution_time", "department:*", "8h"))
OFFICE_8H, OFFICE_9H = (
    promise_rules(
        ("resolution_time_business", "department:*", limit), calendar=CHINA, exclude_waiting=True
    )
    for limit in ("8h", "9h")
)
BOTH_CLOCKS = promise_rules(
    ("resolution_time_business", "department:*", "8h"),
    ("resolution_time", "department:*", "20h"),
    calendar=CHINA,
)
DAY_IN_BERLIN = promise_rules(("resolution_time", "department:*", "24h"), **BERLIN)
NIGHT_6H, NIGHT_7H30 = (
    promise_rules(("resolution_time_business", "department:*", limit), calendar=NIGHTS, **BERLIN)
    for limit in ("6h", "7h30m")
)
STRICTER_IN_APRIL = successive(
    SOLUTION,
    promise_rules(
        ("resolution_time", "department:*", "2h"),
        version="v2",
        valid_from="2026-04-01T00:00:00+08:00",
    ),
)


class Case(NamedTuple):
    """``expected`` are (promise, good, local time of booking)."""

    name: str
    rules: RuleHistory
    opened: str
    history: Sequence[Step]
    until: str
    expected: Sequence[tuple[int, int, str]]
    afterwards: Sequence[Step] = ()


def exempt(start: str, end: str) -> dict[str, Any]:
    zone = ZoneInfo("Asia/Shanghai")
    span = {k: datetime.fromisoformat(v).replace(tzinfo=zone) for k, v in _pair(start, end)}
    return {
        "action": "exempt",
        "reason": "power cut",
        **{k: v.isoformat() for k, v in span.items()},
    }


def _pair(start: str, end: str) -> Sequence[tuple[str, str]]:
    return ("start", start), ("end", end)


MON = "2026-03-02T"
TUE = "2026-03-03T"
WED = "2026-03-04T"

CASES = [
    Case(
        "a reply in time",
        RESPONSE,
        MON + "09:00",
        [(MON + "09:20", "response.sent", PERSON)],
        TUE + "09:00",
        [(FIRST, 1, MON + "09:20")],
    ),
    Case(
        "a reply exactly at the deadline",
        RESPONSE,
        MON + "09:00",
        [(MON + "10:00", "response.sent", PERSON)],
        TUE + "09:00",
        [(FIRST, 1, MON + "10:00")],
    ),
    Case(
        "a response by a bot is none",
        RESPONSE,
        MON + "09:00",
        [(MON + "09:01", "response.sent", BOT), (MON + "11:00", "response.sent", PERSON)],
        TUE + "09:00",
        [(FIRST, 0, MON + "10:00")],
    ),
    Case("not due yet", SOLUTION, MON + "09:00", [], MON + "17:00", []),
    Case("late", SOLUTION, MON + "09:00", [], MON + "17:01", [(SOLVED, 0, MON + "17:00")]),
    Case(
        "a deadline at night",
        SOLUTION,
        MON + "18:00",
        [(TUE + "09:00", "resolved")],
        TUE + "10:00",
        [(SOLVED, 0, TUE + "02:00")],
    ),
    Case(
        "resolved a second after the deadline",
        SOLUTION,
        MON + "09:00",
        [(MON + "17:00:01", "resolved")],
        MON + "17:00",
        [(SOLVED, 0, MON + "17:00")],
    ),
    Case(
        "a deadline inside a pause moves by the pause, and is kept",
        SOLUTION,
        MON + "09:00",
        [(MON + "16:00", "waiting"), (MON + "18:00", "resumed"), (MON + "18:59", "resolved")],
        TUE + "09:00",
        [(SOLVED, 1, MON + "18:59")],
    ),
    Case(
        "a deadline inside a pause moves by the pause, and is missed",
        SOLUTION,
        MON + "09:00",
        [(MON + "16:00", "waiting"), (MON + "18:00", "resumed"), (MON + "19:01", "resolved")],
        TUE + "09:00",
        [(SOLVED, 0, MON + "19:00")],
    ),
    Case(
        "no deadline passes while the clock stands still",
        SOLUTION,
        MON + "09:00",
        [(MON + "16:00", "waiting")],
        WED + "09:00",
        [],
    ),
    Case(
        "waiting counts where the rules do not exclude it",
        SOLUTION_WAITING_COUNTS,
        MON + "09:00",
        [(MON + "16:00", "waiting"), (MON + "18:00", "resumed")],
        TUE + "09:00",
        [(SOLVED, 0, MON + "17:00")],
    ),
    Case(
        "waiting is no excuse for a first response",
        RESPONSE,
        MON + "09:00",
        [(MON + "09:10", "waiting")],
        TUE + "09:00",
        [(FIRST, 0, MON + "10:00")],
    ),
    Case(
        "a late reply undoes a miss",
        RESPONSE,
        MON + "09:00",
        [],
        MON + "12:00",
        [(FIRST, 1, MON + "09:59")],
        afterwards=[(MON + "09:59", "response.sent", PERSON)],
    ),
    Case(
        "an exempt correction undoes a miss",
        SOLUTION,
        MON + "09:00",
        [(MON + "17:30", "resolved")],
        TUE + "09:00",
        [(SOLVED, 1, MON + "17:30")],
        afterwards=[(TUE + "08:00", "corrected", exempt(MON + "12:00", MON + "13:00"))],
    ),
    Case(
        "an exempt correction moves a deadline that lies inside it",
        SOLUTION,
        MON + "09:00",
        [],
        TUE + "09:00",
        [(SOLVED, 0, MON + "19:00")],
        afterwards=[(TUE + "08:00", "corrected", exempt(MON + "16:00", MON + "18:00"))],
    ),
    Case(
        "pauses that overlap count once",
        SOLUTION,
        MON + "09:00",
        [(MON + "11:00", "waiting"), (MON + "13:00", "resumed")],
        TUE + "09:00",
        [(SOLVED, 0, MON + "20:00")],
        afterwards=[(TUE + "08:00", "corrected", exempt(MON + "12:00", MON + "14:00"))],
    ),
    Case(
        "a promise is settled once, whatever is reopened",
        SOLUTION,
        MON + "09:00",
        [(MON + "10:00", "resolved"), (MON + "11:00", "reopened"), (TUE + "20:00", "resolved")],
        WED + "09:00",
        [(SOLVED, 1, MON + "10:00")],
    ),
    Case(
        "reassigned in the middle: the new holder's limit applies",
        CLOCK,
        MON + "09:00",
        [(MON + "09:05", "response.sent", PERSON), (MON + "11:00", "assigned", IT)],
        TUE + "09:00",
        [(FIRST, 1, MON + "09:05"), (SOLVED, 0, MON + "13:00")],
    ),
    Case(
        "a handover makes no promise late",
        CLOCK,
        MON + "09:00",
        [(MON + "09:05", "response.sent", PERSON), (MON + "14:00", "assigned", IT)],
        TUE + "09:00",
        [(FIRST, 1, MON + "09:05"), (SOLVED, 0, MON + "17:00")],
    ),
    Case(
        "a resolution needs no first response any more",
        CLOCK,
        MON + "09:00",
        [(MON + "09:30", "resolved")],
        TUE + "09:00",
        [(SOLVED, 1, MON + "09:30")],
    ),
    Case(
        "closed unresolved, nothing falls due",
        CLOCK,
        MON + "09:00",
        [(MON + "09:30", "closed")],
        TUE + "09:00",
        [],
    ),
    Case(
        "reopened after it would have been due, it is missed at once",
        SOLUTION,
        MON + "09:00",
        [(MON + "09:30", "closed"), (MON + "20:00", "reopened")],
        TUE + "09:00",
        [(SOLVED, 0, MON + "20:00")],
    ),
    Case(
        "the rules at the opening decide",
        STRICTER_IN_APRIL,
        "2026-03-31T20:00",
        [],
        "2026-04-02T00:00",
        [(SOLVED, 0, "2026-04-01T04:00")],
    ),
    Case(
        "business time over a night",
        OFFICE_8H,
        MON + "11:00",
        [],
        WED + "09:00",
        [(SOLVED, 0, TUE + "11:00")],
    ),
    Case(
        "business time that runs out as work ends holds until work begins",
        OFFICE_8H,
        MON + "09:00",
        [(MON + "23:00", "resolved")],
        WED + "09:00",
        [(SOLVED, 1, MON + "23:00")],
    ),
    Case(
        "business time that ran out as work ended is missed as work begins",
        OFFICE_8H,
        MON + "09:00",
        [],
        WED + "09:00",
        [(SOLVED, 0, TUE + "09:00")],
    ),
    Case(
        "business time with a pause over noon, half of it free anyway",
        OFFICE_8H,
        MON + "09:00",
        [(MON + "11:30", "waiting"), (MON + "13:30", "resumed")],
        WED + "09:00",
        [(SOLVED, 0, TUE + "10:00")],
    ),
    Case(
        "a make-up workday counts",
        OFFICE_8H,
        "2026-02-13T17:00",
        [],
        "2026-02-25T09:00",
        [(SOLVED, 0, "2026-02-14T17:00")],
    ),
    Case(
        "over Spring Festival, which begins after a make-up workday",
        OFFICE_9H,
        "2026-02-13T17:00",
        [],
        "2026-02-25T09:00",
        [(SOLVED, 0, "2026-02-24T09:00")],
    ),
    Case(
        "of two clocks the earlier deadline counts: by day the one",
        BOTH_CLOCKS,
        MON + "09:00",
        [],
        WED + "09:00",
        [(SOLVED, 0, TUE + "05:00")],
    ),
    Case(
        "of two clocks the earlier deadline counts: at other times the other",
        BOTH_CLOCKS,
        MON + "17:30",
        [(TUE + "12:59", "resolved")],
        WED + "09:00",
        [(SOLVED, 1, TUE + "12:59")],
    ),
    Case(
        "a day of 23 hours",
        DAY_IN_BERLIN,
        "2026-03-28T12:00",
        [],
        "2026-03-30T12:00",
        [(SOLVED, 0, "2026-03-29T13:00")],
    ),
    Case(
        "a day of 25 hours",
        DAY_IN_BERLIN,
        "2026-10-24T12:00",
        [],
        "2026-10-26T12:00",
        [(SOLVED, 0, "2026-10-25T11:00")],
    ),
    Case(
        "a night shift that loses an hour",
        NIGHT_6H,
        "2026-03-28T22:00",
        [],
        "2026-03-31T12:00",
        [(SOLVED, 0, "2026-03-29T05:00")],
    ),
    Case(
        "a night shift that gains an hour",
        NIGHT_6H,
        "2026-10-24T22:00",
        [],
        "2026-10-27T12:00",
        [(SOLVED, 0, "2026-10-25T03:00")],
    ),
    Case(
        "a shorter night does not suffice",
        NIGHT_7H30,
        "2026-03-28T22:00",
        [],
        "2026-03-31T12:00",
        [(SOLVED, 0, "2026-03-29T22:30")],
    ),
    Case(
        "a longer night does",
        NIGHT_7H30,
        "2026-10-24T22:00",
        [],
        "2026-10-27T12:00",
        [(SOLVED, 0, "2026-10-25T04:30")],
    ),
]


def local_ms(text: str, zone: ZoneInfo) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def told(steps: Sequence[Step], zone: ZoneInfo) -> list[dict[str, Any]]:
    events = []
    for place, (at, kind, *data) in enumerate(steps):
        minutes = local_ms(at, zone) / 60_000 - START.timestamp() / 60
        body = data[0] if data else {"on": "customer"} if kind == "waiting" else {}
        name = kind if "." in kind else f"ticket.{kind}"
        events.append(event(name, T, minutes, body, id=f"{at}-{place}-{kind}"))
    return events


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_promise_is_kept_or_missed(case: Case) -> None:
    zone = case.rules.zone
    engine, log = new_engine(case.rules), Log()
    standing: Counter[tuple[int, int, int]] = Counter()
    for steps in ([(case.opened, "opened", STORES), *case.history], case.afterwards):
        log.append(told(steps, zone))
        log.feed(engine)
        engine.advance(local_ms(case.until, zone))
        for batch in engine.flush(caught_up=True).measurements:
            for row in batch.rows:
                if INDICATOR_IDS[row.indicator] == "sla_attainment":
                    standing[row.sequence, row.good, row.time_ms] += row.sign
    expected = [(promise, good, local_ms(at, zone)) for promise, good, at in case.expected]
    assert sorted(+standing) == sorted(expected)
    assert set(standing.values()) <= {0, 1}
