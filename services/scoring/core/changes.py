"""What cells add to others, and to the sums of their series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from services.scoring.core.bucket_keys import bucket_keys, bucket_of_key, number_of_key, summed
from services.scoring.core.cell_batch import CellValues, Sketches
from services.scoring.core.columns import Integers, spread


class Change(NamedTuple):
    """What is added to the sums of something that has numbers, cells or series, and to the counts
    of its buckets. A number or a bucket may be there twice."""

    numbers: Integers
    n: Integers
    total: Integers
    good: Integers
    bucket_numbers: Integers
    bucket: Integers
    counts: Integers

    @property
    def sums(self) -> tuple[Integers, Integers, Integers, Integers]:
        """By number."""
        return self.numbers, self.n, self.total, self.good

    @property
    def buckets(self) -> tuple[Integers, Integers, Integers]:
        """By number and bucket."""
        return self.bucket_numbers, self.bucket, self.counts

    def less(self) -> Change:
        """The same taken away."""
        return self._replace(n=-self.n, total=-self.total, good=-self.good, counts=-self.counts)


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
        return moved.nonzero()[0]

    def take(self, rows: Integers) -> RowChanges:
        """Those of some of the rows, which may be there twice, in this order."""
        lengths = np.bincount(self.bucket_row, minlength=len(self.n))
        own = lengths[rows]
        buckets = spread((lengths.cumsum() - lengths)[rows], own)
        return RowChanges(
            self.n[rows],
            self.total[rows],
            self.good[rows],
            np.arange(len(rows)).repeat(own),
            self.bucket[buckets],
            self.counts[buckets],
        )

    def of_rows(self, rows: slice, numbers: Integers) -> Change:
        """The change that neighbouring rows make to what has these numbers, given by row."""
        first, last = self.bucket_row.searchsorted((rows.start, rows.stop)).tolist()
        return Change(
            numbers[rows],
            self.n[rows],
            self.total[rows],
            self.good[rows],
            numbers[self.bucket_row[first:last]],
            self.bucket[first:last],
            self.counts[first:last],
        )


def difference(old: CellValues, new: CellValues) -> RowChanges:
    """New values less old ones, row by row."""
    keys, counts = _bucket_difference(old.sketches, new.sketches)
    return RowChanges(
        new.n - old.n,
        new.total - old.total,
        new.good - old.good,
        number_of_key(keys),
        bucket_of_key(keys),
        counts,
    )


def _bucket_difference(old: Sketches, new: Sketches) -> tuple[Integers, Integers]:
    """Distinct keys of row and bucket, ascending, and the change of each that changed."""
    rows = np.arange(len(old.lengths))
    keys = bucket_keys(
        np.concatenate((rows.repeat(old.lengths), rows.repeat(new.lengths))),
        np.concatenate((old.bucket, new.bucket)),
    )
    return summed(keys, np.concatenate((-old.counts, new.counts)))


def joined(parts: list[CellValues]) -> CellValues:
    """The values of all parts, one after the other."""
    n, total, good, sketches = zip(*parts, strict=True)
    return CellValues(
        np.concatenate(n),
        np.concatenate(total),
        np.concatenate(good),
        Sketches(*map(np.concatenate, zip(*sketches, strict=True))),
    )
