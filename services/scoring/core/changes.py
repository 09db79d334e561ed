"""What cells add to the sums of their series."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from services.scoring.core.cell_batch import Sketches
from services.scoring.core.columns import Integers, run_starts
from services.scoring.core.held_pane import CellValues

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


class Change(NamedTuple):
    """What is added to sums of series, and to counts by series and bucket (`bucket_keys`). A series
    may be there twice."""

    series: Integers
    n: Integers
    total: Integers
    good: Integers
    buckets: Integers
    counts: Integers

    def less(self) -> Change:
        """The same taken away."""
        return Change(
            self.series, -self.n, -self.total, -self.good, self.buckets, -self.counts
        )


def change_of(series: Integers, values: CellValues) -> Change:
    """What cells of some series add to nothing."""
    lengths, bucket, counts = values.sketches
    buckets = bucket_keys(np.repeat(series, lengths), bucket)
    return Change(series, values.n, values.total, values.good, buckets, counts)


class RowChanges(NamedTuple):
    """By row what replacing cells adds to their sums; the rows of bucket changes ascend."""

    n: Integers
    total: Integers
    good: Integers
    bucket_row: Integers
    bucket: Integers
    counts: Integers

    @property
    def rows(self) -> Integers:
        """The rows that say something new."""
        moved = self.n | self.total | self.good
        moved[self.bucket_row] = 1
        return np.flatnonzero(moved)

    def of_rows(self, first: int, last: int, series: Integers) -> Change:
        """The change that the rows ``[first, last)`` make; ``series`` of all rows."""
        entries = slice(*np.searchsorted(self.bucket_row, (first, last)).tolist())
        rows = slice(first, last)
        buckets = bucket_keys(series[self.bucket_row[entries]], self.bucket[entries])
        return Change(
            series[rows],
            self.n[rows],
            self.total[rows],
            self.good[rows],
            buckets,
            self.counts[entries],
        )


def difference(old: CellValues, new: CellValues) -> RowChanges:
    """New values less old ones, row by row."""
    keys, counts = _bucket_difference(old.sketches, new.sketches)
    changed = np.flatnonzero(counts)
    keys = keys[changed]
    return RowChanges(
        new.n - old.n,
        new.total - old.total,
        new.good - old.good,
        number_of_key(keys),
        bucket_of_key(keys),
        counts[changed],
    )


def _bucket_difference(old: Sketches, new: Sketches) -> tuple[Integers, Integers]:
    """Distinct keys of row and bucket, ascending, and the change of each."""
    rows = np.arange(len(old.lengths))
    keys = bucket_keys(
        np.concatenate((np.repeat(rows, old.lengths), np.repeat(rows, new.lengths))),
        np.concatenate((old.bucket, new.bucket)),
    )
    if not len(keys):
        return keys, keys
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = run_starts(keys)
    counts = np.concatenate((-old.counts, new.counts))[order]
    return keys[starts], np.add.reduceat(counts, starts)


def joined(parts: list[CellValues]) -> CellValues:
    """The values of all parts, one after the other."""
    n, total, good, sketches = zip(*parts, strict=True)
    return CellValues(
        np.concatenate(n),
        np.concatenate(total),
        np.concatenate(good),
        Sketches(*map(np.concatenate, zip(*sketches, strict=True))),
    )
