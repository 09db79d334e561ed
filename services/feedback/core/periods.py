"""Calendar months, as results name them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_PERIOD: Final = re.compile(r"(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])")
PERIOD_PATTERN: Final = f"^{_PERIOD.pattern}$"
HOUR_MS: Final = 3_600_000


def is_period(text: str) -> bool:
    """Is it YYYY-MM?"""
    return _PERIOD.fullmatch(text) is not None


def months_before(today: date, count: int) -> list[str]:
    """The ``count`` months before that of ``today``, oldest first."""
    this = today.year * 12 + today.month - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(this - count, this)]


def is_due(*, closed: bool, end_ms: int, now_ms: int, grace_hours: float) -> bool:
    """May a period be published without anybody asking?"""
    return closed and now_ms >= end_ms + grace_hours * HOUR_MS
