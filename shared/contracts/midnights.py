"""Where the calendar days of a zone begin."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from shared.contracts.panes import QUARTER_MS


def first_open_day(sealed_ms: int, zone: ZoneInfo) -> int:
    """When the first day began that does not end by a whole quarter-hour of ``panes``; in ms. Where
    clocks are set back over midnight, a day goes on after one quarter-hour of the next."""
    return min(midnight_of(sealed_ms, zone), midnight_of(sealed_ms + QUARTER_MS, zone))


def midnight_of(time_ms: int, zone: ZoneInfo) -> int:
    """When the local day of an instant began, both in ms since 1970; where clocks are set back over
    midnight, the first of the two."""
    local = datetime.fromtimestamp(time_ms // 1000, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return int(midnight.timestamp()) * 1000
