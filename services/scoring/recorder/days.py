"""Which day's partition of the table a measurement belongs to (days of UTC)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

DAY_MS: Final = 86_400_000


class DayPartition(NamedTuple):
    """A table for the measurements of ``[start_ms, end_ms)``."""

    table: str
    start_ms: int
    end_ms: int


def day_of(time_ms: int) -> int:
    """Days since 1970-01-01."""
    return time_ms // DAY_MS


def partition_of_day(day: int) -> DayPartition:
    """The partition that holds a day."""
    start_ms = day * DAY_MS
    date = datetime.fromtimestamp(start_ms / 1000, UTC)
    return DayPartition(f"measurements_{date:%Y%m%d}", start_ms, start_ms + DAY_MS)
