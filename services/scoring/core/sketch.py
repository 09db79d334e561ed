"""The log-bucket sketch of durations (the mapping of DDSketch, Masson, Rim and Lee, VLDB 2019).

Bucket b >= 0 holds the values in (GAMMA**(b-1), GAMMA**b] milliseconds, bucket ZERO holds exactly
0. Counts of equal buckets add and subtract, so sketches merge in any order. `value_of` is at most
1 % away from every value of its bucket. Buckets are looked up in a table of their
integer upper ends, so that every process and machine agrees on them; the scale itself is the
compiled core's (`summary.rs`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final

from bellwether_native import GAMMA, value_of

from shared.contracts.fields import MAX_DURATION_MS

__all__ = ["UPPER_ENDS", "bucket_of", "value_of"]

ZERO: Final = -1

MAX_BUCKET: Final = math.ceil(math.log(MAX_DURATION_MS, GAMMA)) + 200
"""Beyond the longest duration of the contract: tickets may stay open for longer."""

UPPER_ENDS: Final = [math.floor(GAMMA**bucket) for bucket in range(MAX_BUCKET + 1)]
"""The greatest value of every bucket from 0 on, in ms."""


def bucket_of(value_ms: int) -> int:
    """The bucket of a duration in ms; raises ``ValueError`` below 0."""
    if value_ms < 0:
        raise ValueError(f"a duration cannot be negative: {value_ms} ms")
    return bisect_left(UPPER_ENDS, value_ms) if value_ms else ZERO
