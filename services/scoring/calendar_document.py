"""The form of a business calendar in a rule set, and its way into the domain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import chinese_calendar
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from services.scoring.core.calendars import Calendar, CalendarError, Period

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PERIOD: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_FIRST_YEAR: Final = 2004
_ONE_DAY: Final = timedelta(days=1)


def parse_period(text: object) -> Period:
    """``09:00-12:00``; an end at or before the start lies on the next day."""
    match = _PERIOD.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'{text!r} is no period: write it as "09:00-12:00"')
    hour, minute, end_hour, end_minute = map(int, match.groups())
    if hour > 23 or end_hour > 24 or max(minute, end_minute) > 59:
        raise ValueError(f"{text} names a time that no clock shows")
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    return Period(start, end if end > start else end + 24 * 60)


def parse_days(text: str) -> str:
    """``mon`` or ``mon-fri``; raises ``ValueError``."""
    first, _, last = text.partition("-")
    if first not in DAYS or (last or first) not in DAYS or (last and last not in _from(first)):
        raise ValueError(f"{text!r} names no weekdays: write mon, or mon-fri")
    return text


def _from(first: str) -> tuple[str, ...]:
    return DAYS[DAYS.index(first) :]


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no date: write it as 2026-05-01") from None


Day = Annotated[date, BeforeValidator(_date)]
Periods = list[Annotated[Period, BeforeValidator(parse_period)]]
Weekdays = Annotated[str, AfterValidator(parse_days)]


class CalendarDocument(BaseModel):
    """Working periods by weekday; ``closed`` and ``open`` name days that differ, and win over
    ``public_holidays``. A make-up workday has the periods of Monday."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    week: Annotated[dict[Weekdays, Periods], Field(min_length=1)]
    public_holidays: Literal["china"] | None = None
    closed: list[Day] = Field(default_factory=list)
    open: dict[Day, Periods] = Field(default_factory=dict)

    @field_validator("week")
    @classmethod
    def _each_day_once(cls, week: dict[str, list[Period]]) -> dict[str, list[Period]]:
        named = [day for days in week for day in _weekdays(days)]
        for day in {day for day in named if named.count(day) > 1}:
            raise ValueError(f"{DAYS[day]} is given twice: keep one of them")
        return week

    def calendar(self, zone: ZoneInfo) -> Calendar:
        """Raises ``ValueError`` when the periods make no calendar."""
        week = {day: periods for days, periods in self.week.items() for day in _weekdays(days)}
        exceptions: dict[date, list[Period]] = {}
        if self.public_holidays == "china":
            exceptions.update(_china(week.get(0, [])))
        exceptions.update((day, []) for day in self.closed)
        exceptions.update(self.open)
        try:
            return Calendar(zone, week, exceptions)
        except CalendarError as error:
            raise ValueError(str(error)) from None


def _weekdays(days: str) -> range:
    first, _, last = days.partition("-")
    return range(DAYS.index(first), DAYS.index(last or first) + 1)


def _china(workday: list[Period]) -> Iterator[tuple[date, list[Period]]]:
    """The days that the State Council's notices make different, as far as they are known."""
    day = date(_FIRST_YEAR, 1, 1)
    while True:
        try:
            is_off = chinese_calendar.is_holiday(day)
        except NotImplementedError:
            return
        is_weekend = day.weekday() >= 5
        if is_off != is_weekend:
            yield day, [] if is_off else workday
        day += _ONE_DAY
