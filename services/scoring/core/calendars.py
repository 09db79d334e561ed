"""Business time: how much of a span lies in working hours, and which parts of it.

A calendar has working periods by weekday, and by date where a day differs: a holiday has none, a
make-up workday has those of another weekday. Periods are local times of the calendar's zone. On a
day when the clocks change, a period is as long as it really was: an hour that does not exist adds
nothing, an hour that happens twice adds two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_ONE_DAY: Final = timedelta(days=1)
_MINUTES_A_DAY: Final = 24 * 60
_FIRST_DAY: Final = date(2000, 1, 1)


class CalendarError(ValueError):
    """The periods make no calendar, or a question has no answer in it."""


class Period(NamedTuple):
    """Minutes since local midnight; an end past 24 h lies on the next day."""

    start: int
    end: int


class Calendar:
    """Working time of one zone. Days are laid out when they are first asked for."""

    def __init__(
        self,
        zone: ZoneInfo,
        week: Mapping[int, Sequence[Period]],
        exceptions: Mapping[date, Sequence[Period]],
    ) -> None:
        """``week`` by weekday (0 is Monday; a missing one is free), ``exceptions`` by date."""
        for periods in (*week.values(), *exceptions.values()):
            _check(periods)
        if not any(week.values()):
            raise CalendarError("a calendar needs working time on at least one weekday")
        self._zone = zone
        self._week = {day: tuple(sorted(periods)) for day, periods in week.items()}
        self._exceptions = {day: tuple(sorted(periods)) for day, periods in exceptions.items()}
        self._next_day = _FIRST_DAY
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before: list[int] = []
        self._laid_out_ms = self._instant(_FIRST_DAY, 0, fold=0)

    def elapsed(self, start_ms: int, end_ms: int) -> int:
        """Working milliseconds in ``[start_ms, end_ms)``; 0 when it is empty."""
        if end_ms <= start_ms:
            return 0
        return self._worked_until(end_ms) - self._worked_until(start_ms)

    def spans(self, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Working time in ``[start_ms, end_ms)``, as spans in order."""
        self._lay_out(end_ms)
        first = bisect_right(self._ends, start_ms)
        last = bisect_left(self._starts, end_ms)
        return [
            (max(start, start_ms), min(end, end_ms))
            for start, end in zip(self._starts[first:last], self._ends[first:last], strict=True)
        ]

    def _total(self) -> int:
        return self._before[-1] + self._ends[-1] - self._starts[-1]

    def _worked_until(self, time_ms: int) -> int:
        self._lay_out(time_ms)
        place = bisect_right(self._starts, time_ms) - 1
        if place < 0:
            return 0
        return self._before[place] + min(time_ms, self._ends[place]) - self._starts[place]

    def _lay_out(self, until_ms: int) -> None:
        while self._laid_out_ms <= until_ms:
            self._lay_out_next_day()

    def _lay_out_next_day(self) -> None:
        day = self._next_day
        for period in self._exceptions.get(day, self._week.get(day.weekday(), ())):
            self._append(
                self._instant(day, period.start, fold=0), self._instant(day, period.end, fold=1)
            )
        self._next_day = day + _ONE_DAY
        self._laid_out_ms = self._instant(self._next_day, 0, fold=0)

    def _append(self, start_ms: int, end_ms: int) -> None:
        """Add a span; what a night shift already covers counts once."""
        if self._ends:
            start_ms = max(start_ms, self._ends[-1])
        if end_ms > start_ms:
            self._before.append(self._total() if self._before else 0)
            self._starts.append(start_ms)
            self._ends.append(end_ms)

    def _instant(self, day: date, minutes: int, *, fold: int) -> int:
        days, minute = divmod(minutes, _MINUTES_A_DAY)
        clock = time(minute // 60, minute % 60, fold=fold)
        local = datetime.combine(day + timedelta(days=days), clock, self._zone)
        return int(local.timestamp()) * 1000


def _check(periods: Sequence[Period]) -> None:
    reached = 0
    for period in sorted(periods):
        if not 0 <= period.start < _MINUTES_A_DAY:
            raise CalendarError("a period begins between 00:00 and 24:00")
        if not period.start < period.end <= period.start + _MINUTES_A_DAY:
            raise CalendarError("a period ends after it begins, and lasts at most 24 hours")
        if period.start < reached:
            raise CalendarError("the periods of a day must not overlap")
        reached = period.end
