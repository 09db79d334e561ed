"""Confidence intervals, 95 % unless told otherwise.

Wilson's score interval for shares (Wilson, JASA 1927), ranks of order statistics for percentiles
(Hahn and Meeker, Statistical Intervals, 5.2, in the normal approximation), and the normal interval
of a mean.
"""

from __future__ import annotations

import math
from typing import Final

Z95: Final = 1.959963984540054
Interval = tuple[float, float]


def wilson(good: int, n: int, z: float = Z95) -> Interval:
    """The interval of a share ``good / n``; raises ``ValueError`` when ``n`` is not positive."""
    if n <= 0:
        raise ValueError("a share of nothing has no interval")
    share = good / n
    spread = z * z / n
    centre = share + spread / 2
    half = z * math.sqrt((share * (1 - share) + spread / 4) / n)
    low, high = (centre - half) / (1 + spread), (centre + half) / (1 + spread)
    return (0.0 if good <= 0 else low), (1.0 if good >= n else high)


def percentile_rank(q: float, n: int) -> int:
    """The rank (from 1) whose value is the percentile ``q`` of ``n`` sorted values."""
    return max(1, math.ceil(q * n - 1e-9))


def percentile_ranks(q: float, n: int, z: float = Z95) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the values that enclose percentile ``q``; None where the sample is too
    small to bound that side."""
    half = z * math.sqrt(n * q * (1 - q))
    low, high = math.floor(n * q - half), math.ceil(n * q + half) + 1
    return (low if low >= 1 else None), (high if high <= n else None)


def mean_interval(mean: float, variance: float, n: int, z: float = Z95) -> Interval:
    """The interval of a mean of ``n`` values with that variance."""
    half = z * math.sqrt(max(variance, 0.0) / n)
    return mean - half, mean + half
