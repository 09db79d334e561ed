"""Business time over nights, holidays, make-up workdays and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import bellwether_native
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.calendars import Calendar, CalendarError, Period

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000
OFFICE = (Period(9 * 60, 12 * 60), Period(13 * 60, 18 * 60))
WEEK = dict.fromkeys(range(5), OFFICE)
NATIONAL_DAY = {date(2025, 10, day): () for day in range(1, 9)}
MAKE_UP = {date(2025, 9, 28): OFFICE, date(2025, 10, 11): OFFICE}
CHINA = Calendar(SHANGHAI, WEEK, {**NATIONAL_DAY, **MAKE_UP})
COMPILED = bellwether_native.Calendar(CHINA.spans)
AROUND_THE_CLOCK = dict.fromkeys(range(7), (Period(0, 24 * 60),))


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2025-09-22T09:00", "2025-09-22T18:00", 8.0),
        ("2025-09-22T11:30", "2025-09-22T13:30", 1.0),
        ("2025-09-22T20:00", "2025-09-23T08:00", 0.0),
        ("2025-09-22T17:00", "2025-09-23T10:00", 2.0),
        ("2025-09-26T17:00", "2025-09-29T10:00", 10.0),  # Sunday 28 September was made up
        ("2025-09-30T17:00", "2025-10-09T10:00", 2.0),  # National Day week
        ("2025-10-10T17:00", "2025-10-13T10:00", 10.0),  # Saturday 11 October was made up
        ("2025-09-22T10:00", "2025-09-22T09:00", 0.0),
    ],
)
def test_working_time_between_two_instants(start: str, end: str, hours: float) -> None:
    assert CHINA.elapsed(ms(start), ms(end)) == hours * HOUR


@pytest.mark.parametrize(
    ("start", "hours", "deadline"),
    [
        ("2025-09-22T09:00", 4, "2025-09-22T14:00"),
        ("2025-09-22T09:00", 3, "2025-09-22T12:00"),
        ("2025-09-22T19:00", 1, "2025-09-23T10:00"),
        ("2025-09-30T17:30", 1, "2025-10-09T09:30"),
    ],
)
def test_a_limit_runs_out_in_working_time(start: str, hours: int, deadline: str) -> None:
    assert COMPILED.deadline(ms(start), hours * HOUR) == ms(deadline)


@pytest.mark.parametrize("year", [2000, 2029, 2031, 2064, 2099])
def test_a_limit_runs_out_in_every_decade(year: int) -> None:
    start = ms(f"{year}-06-01T00:00")
    deadline = bellwether_native.Calendar(CHINA.spans).deadline(start, HOUR)
    assert deadline is not None
    assert CHINA.elapsed(start, deadline) == HOUR


def test_when_a_limit_runs_out_does_not_depend_on_what_was_asked_before() -> None:
    rarely = Calendar(SHANGHAI, {0: (Period(600, 601),)}, {})
    start, decades = ms("2026-06-01T00:00"), 60_000 * 53 * 29
    deadline = bellwether_native.Calendar(rarely.spans).deadline(start, decades)
    compiled = bellwether_native.Calendar(rarely.spans)
    for _ in range(1000):
        assert compiled.deadline(start, 2 * decades) is None
    assert compiled.deadline(start, decades) == deadline is not None


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)]
)
def test_a_day_is_as_long_as_the_clocks_make_it(day: str, hours: int) -> None:
    calendar = Calendar(BERLIN, AROUND_THE_CLOCK, {})
    start = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    following = (start + timedelta(days=1)).timestamp()
    assert calendar.elapsed(int(start.timestamp()) * 1000, int(following) * 1000) == hours * HOUR


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 3), ("2026-10-25", 5)])
def test_a_night_shift_over_a_change_of_clocks_counts_its_real_hours(day: str, hours: int) -> None:
    calendar = Calendar(BERLIN, dict.fromkeys(range(7), (Period(60, 5 * 60),)), {})
    assert calendar.elapsed(ms(f"{day}T00:00", BERLIN), ms(f"{day}T23:00", BERLIN)) == hours * HOUR


def test_a_shift_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    calendar = Calendar(SHANGHAI, {4: (Period(22 * 60, 30 * 60),)}, {})
    assert calendar.elapsed(ms("2025-09-26T00:00"), ms("2025-09-28T00:00")) == 8 * HOUR
    assert calendar.elapsed(ms("2025-09-27T05:59"), ms("2025-09-27T12:00")) == HOUR // 60
    assert calendar.elapsed(ms("2025-09-27T06:00"), ms("2025-09-27T12:00")) == 0


@pytest.mark.parametrize(
    "periods",
    [
        (Period(600, 600),),
        (Period(600, 540),),
        (Period(540, 700), Period(660, 800)),
        (Period(-1, 60),),
        (Period(60, 60 + 24 * 60 + 1),),
    ],
)
def test_periods_that_make_no_day_are_refused(periods: tuple[Period, ...]) -> None:
    with pytest.raises(CalendarError):
        Calendar(SHANGHAI, {0: periods}, {})


def test_a_week_without_working_time_is_refused() -> None:
    with pytest.raises(CalendarError, match="weekday"):
        Calendar(SHANGHAI, {0: ()}, {})


instants = st.integers(ms("2025-09-20T00:00"), ms("2025-10-20T00:00"))


def minute_by_minute(start: int, end: int) -> int:
    """Working time by asking every minute; both ends on whole minutes."""
    worked = 0
    for minute in range(start, end, 60_000):
        local = datetime.fromtimestamp(minute / 1000, UTC).astimezone(SHANGHAI)
        day = local.date()
        off = day in NATIONAL_DAY or (local.weekday() >= 5 and day not in MAKE_UP)
        clock = local.hour * 60 + local.minute
        worked += not off and any(p.start <= clock < p.end for p in OFFICE)
    return worked * 60_000


@settings(max_examples=25, deadline=None)
@given(instants, st.integers(0, 4 * 24 * 60))
def test_working_time_equals_a_count_of_minutes(start: int, length: int) -> None:
    start -= start % 60_000
    end = start + length * 60_000
    assert CHINA.elapsed(start, end) == minute_by_minute(start, end)
    assert COMPILED.elapsed(start, end) == minute_by_minute(start, end)


@settings(max_examples=100, deadline=None)
@given(instants, st.integers(1, 60 * HOUR))
def test_a_deadline_is_where_the_working_time_is_used_up(start: int, duration: int) -> None:
    deadline = COMPILED.deadline(start, duration)
    assert deadline is not None
    assert CHINA.elapsed(start, deadline) == duration
    assert CHINA.elapsed(start, deadline - 1) == duration - 1


def test_an_error_in_the_layout_of_a_calendar_is_no_free_time() -> None:
    def spans(start: int, end: int) -> list[tuple[int, int]]:
        raise CalendarError(f"nothing is known of {start} to {end}")

    with pytest.raises(CalendarError, match="nothing is known"):
        bellwether_native.Calendar(spans).elapsed(ms("2026-03-02T09:00"), ms("2026-03-02T10:00"))
