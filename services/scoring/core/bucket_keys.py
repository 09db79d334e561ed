"""A number (of a row or a cell) and a sketch's bucket as one key."""

from __future__ import annotations

from typing import Final

import numpy as np

from services.scoring.core.columns import Integers, run_starts

_BUCKET_BITS: Final = 16
_BUCKET_OFFSET: Final = 1 << (_BUCKET_BITS - 1)
_BUCKET_MASK: Final = (1 << _BUCKET_BITS) - 1


def bucket_keys(numbers: Integers, bucket: Integers) -> Integers:
    """A number and a bucket as one key, ascending by both."""
    return numbers << _BUCKET_BITS | bucket + _BUCKET_OFFSET


def number_of_key(keys: Integers) -> Integers:
    """The number in a key."""
    return keys >> _BUCKET_BITS


def bucket_of_key(keys: Integers) -> Integers:
    """The bucket in a key."""
    return (keys & _BUCKET_MASK) - _BUCKET_OFFSET


def summed(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Distinct keys, ascending, and the sum of the counts of each where it is not zero."""
    if not len(keys):
        return keys, counts
    order = keys.argsort(kind="stable")
    keys = keys[order]
    starts = run_starts(keys)
    sums = np.add.reduceat(counts[order], starts)
    (held,) = sums.nonzero()
    return keys[starts[held]], sums[held]
