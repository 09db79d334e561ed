"""Where the calendar days of a zone begin."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def midnight_of(time_ms: int, zone: ZoneInfo) -> int:
    """When the local day of an instant began, both in ms since 1970; where clocks are set back over
    midnight, the first of the two."""
    local = datetime.fromtimestamp(time_ms // 1000, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return int(midnight.timestamp()) * 1000
