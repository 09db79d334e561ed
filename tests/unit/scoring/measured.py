"""What was measured, as tests look at it."""

from __future__ import annotations

from collections.abc import Sequence

from services.scoring.core.engine import Flush
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import Measurement


def rows(flush: Flush, indicator: str) -> list[Measurement]:
    """The measurements of an indicator, in the order of their statement."""
    place = INDICATOR_IDS.index(indicator)
    return [row for batch in flush.measurements for row in batch.rows if row.indicator == place]


def standing(flushes: Sequence[Flush], indicator: str) -> list[int]:
    """The values that were not taken back, ascending."""
    values: list[int] = []
    for row in (row for flush in flushes for row in rows(flush, indicator)):
        if row.sign == 1:
            values.append(row.value)
        else:
            values.remove(row.value)
    return sorted(values)


def minutes(number: float) -> int:
    """In ms."""
    return round(number * 60_000)
