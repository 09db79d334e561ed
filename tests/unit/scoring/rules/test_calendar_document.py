"""A calendar in a rule set: read strictly, and applied to the figures of business hours."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.scoring.core.engine import Flush
from services.scoring.core.rules import RuleHistory
from services.scoring.rule_files import load_rules
from shared.contracts.indicators import INDICATOR_IDS
from tests.unit.scoring.engine_events import START, event, measure
from tests.unit.scoring.rules.test_rule_files import MINIMAL, mistakes, write

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR_MS = 3_600_000
WEEK = """\
calendar:
  week: {mon-fri: ["09:00-12:00", "13:00-18:00"]}
"""
CHINA = WEEK + "  public_holidays: china\n"


def rules(folder: Path, calendar: str) -> RuleHistory:
    return load_rules(write(folder, MINIMAL + calendar))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def business(flush: Flush, indicator: str) -> list[float]:
    place = INDICATOR_IDS.index(indicator)
    rows = [row for batch in flush.measurements for row in batch.rows if row.indicator == place]
    return [row.value / HOUR_MS for row in rows]


@pytest.mark.parametrize(
    ("calendar", "start", "end", "hours"),
    [
        (WEEK, "2026-02-13T17:00", "2026-02-24T10:00", 2 + 6 * 8),
        (CHINA, "2026-02-13T17:00", "2026-02-24T10:00", 1 + 8 + 1),  # Spring Festival, 14th worked
        (CHINA + "  closed: [2026-02-14]\n", "2026-02-13T17:00", "2026-02-24T10:00", 2),
        (
            CHINA + '  open: {2026-02-17: ["22:00-02:00"]}\n',
            "2026-02-17T00:00",
            "2026-02-18T12:00",
            4,
        ),
    ],
)
def test_a_span_counts_by_the_calendar(
    tmp_path: Path, calendar: str, start: str, end: str, hours: int
) -> None:
    assert rules(tmp_path, calendar).worked_ms(ms(start), ms(end)) == hours * HOUR_MS


@pytest.mark.parametrize(
    ("calendar", "hint"),
    [
        ('calendar: {week: {mon: ["9:00-12:00"]}}', "09:00-12:00"),
        ('calendar: {week: {mon: ["09:00-25:00"]}}', "no clock shows"),
        ('calendar: {week: {monday: ["09:00-12:00"]}}', "mon-fri"),
        ('calendar: {week: {fri-mon: ["09:00-12:00"]}}', "mon-fri"),
        ('calendar: {week: {mon-fri: ["09:00-12:00"], mon: []}}', "given twice"),
        ('calendar: {week: {mon: ["09:00-12:00", "11:00-13:00"]}}', "overlap"),
        ("calendar: {week: {mon: []}}", "working time"),
        ('calendar: {week: {mon: ["09:00-12:00"]}, closed: [tomorrow]}', "2026-05-01"),
        ('calendar: {week: {mon: ["09:00-12:00"]}, public_holidays: mars}', "china"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_with_a_way_out(
    tmp_path: Path, calendar: str, hint: str
) -> None:
    line = MINIMAL.count("\n") + 1
    ((found_line, key, message),) = mistakes(tmp_path, MINIMAL + calendar + "\n")
    assert found_line == line
    assert key.startswith("calendar")
    assert hint in message


def test_business_hours_are_measured_beside_the_clock(tmp_path: Path) -> None:
    # START is Monday 16:00 in Shanghai: two hours of work are left.
    history = [
        event("ticket.opened", "T", 0, {"department": "stores"}),
        event("response.sent", "T", 17 * 60 + 30, {"sender": "employee"}),
        event("ticket.resolved", "T", 24 * 60),
    ]
    assert START.astimezone(SHANGHAI).hour == 16
    flush = measure(rules(tmp_path, WEEK), history)
    assert business(flush, "first_response_time") == [17.5]
    assert business(flush, "first_response_time_business") == [2.5]
    assert business(flush, "resolution_time_business") == [8]


def test_exempt_time_is_taken_off_business_hours_where_it_was_business(tmp_path: Path) -> None:
    exempt = {
        "action": "exempt",
        "reason": "power cut",
        "start": "2026-03-02T17:00:00+08:00",
        "end": "2026-03-02T20:00:00+08:00",
    }
    history = [
        event("ticket.opened", "T", 0, {"department": "stores"}),
        event("ticket.resolved", "T", 24 * 60),
        event("ticket.corrected", "T", 25 * 60, exempt),
    ]
    flush = measure(rules(tmp_path, WEEK), history)
    assert business(flush, "resolution_time") == [21]
    assert business(flush, "resolution_time_business") == [7]


def test_without_a_calendar_no_business_hours_are_measured(tmp_path: Path) -> None:
    history = [event("ticket.opened", "T", 0), event("ticket.resolved", "T", 60)]
    assert business(measure(rules(tmp_path, ""), history), "resolution_time_business") == []


def test_a_span_over_two_versions_counts_each_part_by_its_own_calendar(tmp_path: Path) -> None:
    later = MINIMAL.replace("version: v1", "version: v2").replace("2026-01-01", "2026-03-03")
    write(tmp_path, MINIMAL + WEEK)
    write(tmp_path, later + 'calendar: {week: {mon-sun: ["00:00-24:00"]}}\n', "later.yaml")
    history = load_rules(tmp_path)
    assert history.worked_ms(ms("2026-03-02T16:00"), ms("2026-03-03T16:00")) == 18 * HOUR_MS
