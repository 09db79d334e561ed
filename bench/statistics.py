"""What samples say: percentiles, and whether a figure grew while it was watched. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all do not exceed (nearest rank). Raises
    ``ValueError`` without values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope of (x, y): y by x; 0 while there is no line to speak of."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n if n else 0.0
    mean_y = sum(y for _, y in points) / n if n else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


@dataclass(frozen=True)
class Trend:
    """A figure over time: its mean in the first and in the last third, and its slope a minute."""

    first: float
    last: float
    per_minute: float

    def is_flat(self, tolerance: float) -> bool:
        """Whether the last third lies at most ``tolerance`` over the first."""
        return self.last - self.first <= tolerance


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """Of (second, value), in order. Raises ``ValueError`` without points."""
    if not points:
        raise ValueError("nothing was measured")
    third = max(1, len(points) // 3)
    return Trend(_mean(points[:third]), _mean(points[-third:]), 60 * slope(points))


def _mean(points: Sequence[tuple[float, float]]) -> float:
    return sum(value for _, value in points) / len(points)
