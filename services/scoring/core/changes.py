"""What cells add to the sums of their series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from services.scoring.core.bucket_keys import bucket_keys, bucket_of_key, number_of_key, summed
from services.scoring.core.cell_batch import Sketches
from services.scoring.core.columns import Integers, spread
from services.scoring.core.held_pane import CellValues


class Change(NamedTuple):
    """What is added to sums of series, and to counts of entries, places of series' buckets that
    `SeriesSums` gave out. A series or an entry may be there twice."""

    series: Integers
    n: Integers
    total: Integers
    good: Integers
    entries: Integers
    counts: Integers

    def less(self) -> Change:
        """The same taken away."""
        return Change(self.series, -self.n, -self.total, -self.good, self.entries, -self.counts)


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

    def bucket_keys(self, numbers: Integers) -> Integers:
        """The keys of the bucket changes; ``numbers`` by row."""
        return bucket_keys(numbers[self.bucket_row], self.bucket)

    def of_rows(self, rows: slice, series: Integers, entries: Integers) -> Change:
        """The change that neighbouring rows make; ``entries`` as of `bucket_keys`."""
        first, last = self.bucket_row.searchsorted((rows.start, rows.stop)).tolist()
        return Change(
            series[rows],
            self.n[rows],
            self.total[rows],
            self.good[rows],
            entries[first:last],
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
