"""The log-bucket sketch of durations (the mapping of DDSketch, Masson, Rim and Lee, VLDB 2019).

Bucket b >= 0 holds the values in (GAMMA**(b-1), GAMMA**b] milliseconds, bucket ZERO holds exactly
0. Counts of equal buckets add and subtract, so sketches merge in any order. `value_of` is at most
ALPHA (relative) away from every value of its bucket.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

ALPHA: Final = 0.01
GAMMA: Final = (1 + ALPHA) / (1 - ALPHA)
ZERO: Final = -1
_LOG_GAMMA: Final = math.log(GAMMA)

Sketch = dict[int, int]
"""Bucket to count; no zero counts are kept."""


def bucket_of(value_ms: int) -> int:
    """The bucket of a duration in ms; raises ``ValueError`` below 0."""
    if value_ms <= 0:
        if value_ms < 0:
            raise ValueError(f"a duration cannot be negative: {value_ms} ms")
        return ZERO
    return math.ceil(math.log(value_ms) / _LOG_GAMMA)


def value_of(bucket: int) -> float:
    """The estimate in ms for every value of a bucket."""
    return 0.0 if bucket == ZERO else 2 * GAMMA**bucket / (GAMMA + 1)


def add(sketch: Sketch, bucket: int, count: int) -> None:
    """Add ``count`` (may be negative) to a bucket in place."""
    total = sketch.get(bucket, 0) + count
    if total:
        sketch[bucket] = total
    else:
        sketch.pop(bucket, None)


def flatten(sketch: Mapping[int, int]) -> list[int]:
    """Bucket, count, bucket, count, … by ascending bucket: the wire form."""
    return [number for item in sorted(sketch.items()) for number in item]


def unflatten(numbers: Iterable[int]) -> Sketch:
    """The inverse of `flatten`."""
    iterator = iter(numbers)
    return dict(zip(iterator, iterator, strict=True))
