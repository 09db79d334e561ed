"""Reading one cell: text from the file to a typed value."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from deploy.replay.mapping import UNIT_MS, ColumnRule
from deploy.replay.values import Cell

DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_DIRECTIVES: Final = ("%H", "%I", "%T", "%X", "%c", "%R")
CACHED_TEXTS: Final = 65_536
"""A log repeats its times (one opening time on every row of a case): most parses are look-ups."""


class CellError(ValueError):
    """The text is no value of the column's type; the message says what was expected."""


def make_reader(rule: ColumnRule, zone: str) -> Callable[[str], Cell]:
    """The function that reads one non-empty cell; it raises `CellError`."""
    if rule.type == "integer":
        return _integer
    if rule.type == "number":
        return _number
    if rule.type == "duration":
        return lru_cache(CACHED_TEXTS)(_Duration(UNIT_MS[rule.unit]))
    if rule.type == "time":
        return lru_cache(CACHED_TEXTS)(_Time(rule, ZoneInfo(rule.zone or zone)))
    return str


def day_clock(moment_ms: int, zone: ZoneInfo) -> int:
    """Milliseconds since local midnight on the wall clock of ``zone``."""
    local = (_EPOCH + timedelta(milliseconds=moment_ms)).astimezone(zone)
    return ((local.hour * 60 + local.minute) * 60 + local.second) * 1000 + moment_ms % 1000


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        pass
    number = _number(text)
    if not number.is_integer():
        raise CellError("is no whole number")
    return int(number)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise CellError("is no number") from error
    if not math.isfinite(number):
        raise CellError("is no finite number")
    return number


class _Duration:
    """A number of units to milliseconds, half up."""

    def __init__(self, unit_ms: int) -> None:
        self._unit_ms = unit_ms

    def __call__(self, text: str) -> int:
        return int(_number(text) * self._unit_ms + 0.5)


class _Time:
    """Text in one of several formats to milliseconds since 1970 in UTC.

    Where a clock change makes a local time ambiguous, the earlier instant is taken; a local time
    that a clock change leaves out is read with the offset from before the change.
    """

    def __init__(self, rule: ColumnRule, zone: ZoneInfo) -> None:
        self._formats = tuple(rule.formats)
        self._zone = zone
        self._end_of_day = rule.day_only == "end"

    def __call__(self, text: str) -> int:
        for form in self._formats:
            moment = self._parse(text, form)
            if moment is not None:
                return moment
        raise CellError(f"is no time in the format {' or '.join(self._formats)}")

    def _parse(self, text: str, form: str) -> int | None:
        try:
            if form == "unix_seconds":
                return int(_number(text) * 1000)
            if form == "unix_milliseconds":
                return _integer(text)
            if form == "iso8601":
                return self._instant(datetime.fromisoformat(text), day_only=len(text) <= 10)
            day_only = not any(directive in form for directive in _CLOCK_DIRECTIVES)
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the column's zone is set next
            return self._instant(moment, day_only=day_only)
        except (ValueError, OverflowError):
            return None

    def _instant(self, moment: datetime, *, day_only: bool) -> int:
        if day_only and self._end_of_day:
            moment = datetime.combine(date(moment.year, moment.month, moment.day), time.max)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        elapsed = moment - _EPOCH
        return elapsed // timedelta(milliseconds=1)
