"""Which rate to try next, in the search for the highest one that is carried. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FACTOR: Final = 1.5
CLOSE: Final = 1.15
"""Bounds nearer than this to each other are not worth another try."""


@dataclass(frozen=True)
class Tried:
    """A rate in events a second, and whether the system carried it."""

    rate: int
    carried: bool


def highest(tried: Sequence[Tried]) -> int | None:
    """The highest rate below every one that was not carried; None when there is none."""
    refused = min((t.rate for t in tried if not t.carried), default=None)
    carried = [t.rate for t in tried if t.carried and (refused is None or t.rate < refused)]
    return max(carried, default=None)


def next_rate(tried: Sequence[Tried], steps: int) -> int | None:
    """Up or down by `FACTOR` until one rate is carried and a higher one is not, then between the
    two. None after ``steps`` tries, or when the answer is known well enough."""
    if len(tried) >= steps:
        return None
    low = highest(tried)
    high = min((t.rate for t in tried if not t.carried), default=None)
    if high is None:
        return None if low is None else round(low * FACTOR)
    if low is None:
        return round(high / FACTOR)
    return None if high / low <= CLOSE else round(math.sqrt(low * high))
