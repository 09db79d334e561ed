"""Percentiles two ways: from the sketches in panes, and exactly from the recorded numbers."""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg

from services.scoring.core.sketch import value_of
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import DAY
from tests.oracle.figures import percentile
from tests.system.totals import ORGANISATION, Days, rolled_panes

SHARES = (0.5, 0.9, 0.95, 0.99)


def sketched(bootstrap: str, indicator: str, days: Days) -> dict[float, float]:
    """By share, over the whole organisation in these days."""
    place = INDICATOR_IDS.index(indicator)
    counts: Counter[int] = Counter()
    for key, summed in rolled_panes(bootstrap, {ORGANISATION}).items():
        if (key.level, key.indicator) != (DAY, place):
            continue
        if days.start_ms <= key.start_ms < days.end_ms:
            counts.update(dict(summed.sketch))
    return {share: _at(counts, share) for share in SHARES}


def _at(counts: Counter[int], share: float) -> float:
    """The bucket that holds the smallest value which enough values do not exceed."""
    wanted = -(-counts.total() * round(share * 1000) // 1000)
    reached = 0
    for bucket in sorted(counts):
        reached += counts[bucket]
        if reached >= wanted:
            return value_of(bucket)
    raise AssertionError("there are no values")


def exact(dsn: str, indicator: str, days: Days) -> dict[float, int]:
    """By share, from the recorded measurements that still hold."""
    values = asyncio.run(_values(dsn, indicator, days))
    return {share: percentile(values, share) for share in SHARES}


async def _values(dsn: str, indicator: str, days: Days) -> list[int]:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        rows = await connection.fetch(
            "SELECT value, sum(sign)::bigint AS times FROM scoring.measurements"
            " WHERE indicator = $1 AND time_ms >= $2 AND time_ms < $3"
            " GROUP BY ticket, sequence, value HAVING sum(sign) <> 0",
            indicator,
            days.start_ms,
            days.end_ms,
        )
    finally:
        await connection.close()
    return [row["value"] for row in rows for _ in range(row["times"])]
