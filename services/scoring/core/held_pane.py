"""One pane as a reader holds it: what every source last said of each of its cells."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from services.scoring.core.cell_batch import Sketches
from services.scoring.core.columns import Integers, grown
from services.scoring.core.key_index import KeyIndex
from services.scoring.core.sketch_store import SketchStore

_SOURCE_BITS: Final = 12


class Change(NamedTuple):
    """What is added to sums of series, and to buckets of series; a series may be there twice."""

    series: Integers
    n: Integers
    total: Integers
    good: Integers
    bucket_series: Integers
    bucket: Integers
    bucket_change: Integers

    def less(self) -> Change:
        """The same taken away."""
        return self._replace(
            n=-self.n, total=-self.total, good=-self.good, bucket_change=-self.bucket_change
        )


class CellValues(NamedTuple):
    """What cells say."""

    n: Integers
    total: Integers
    good: Integers
    sketches: Sketches

    def take(self, rows: Integers) -> CellValues:
        """Some of the cells."""
        return CellValues(
            self.n[rows], self.total[rows], self.good[rows], self.sketches.take(rows)
        )


def cell_keys(series: Integers, source: Integers) -> Integers:
    """The keys of cells within a pane."""
    return series << _SOURCE_BITS | source


class HeldPane:
    """Cells by series and source, as columns; a cell costs some 50 bytes and its sketch 10 a
    bucket."""

    __slots__ = ("_good", "_index", "_n", "_sketches", "_total")

    def __init__(self) -> None:
        self._index = KeyIndex()
        self._n: Integers = np.zeros(0, np.int64)
        self._total: Integers = self._n
        self._good: Integers = self._n
        self._sketches = SketchStore()

    def __len__(self) -> int:
        return len(self._index)

    def replace(self, keys: Integers, new: CellValues) -> tuple[Integers, Change]:
        """Replace cells; of one that is there twice the last counts. The rows that say something
        new, and what that changes."""
        places = self._index.place(keys)
        rows = _last_of_each(places)
        if rows is not None:
            places, keys, new = places[rows], keys[rows], new.take(rows)
        changed, change = self._replace(places, keys >> _SOURCE_BITS, new)
        return (changed if rows is None else rows[changed]), change

    def all(self) -> Change:
        """All cells, as what they add to nothing."""
        size = len(self)
        series = self._index.keys >> _SOURCE_BITS
        sketches = self._sketches.all(size)
        return Change(
            series,
            self._n[:size],
            self._total[:size],
            self._good[:size],
            np.repeat(series, sketches.lengths),
            sketches.bucket,
            sketches.counts,
        )

    def _replace(
        self, places: Integers, series: Integers, new: CellValues
    ) -> tuple[Integers, Change]:
        size = len(self)
        self._n, self._total = grown(self._n, size), grown(self._total, size)
        self._good = grown(self._good, size)
        n, total = new.n - self._n[places], new.total - self._total[places]
        good = new.good - self._good[places]
        self._n[places], self._total[places], self._good[places] = new.n, new.total, new.good
        buckets = self._sketches.replace(places, size, new.sketches)
        moved = n | total | good
        moved[buckets.row] = 1
        rows = np.flatnonzero(moved)
        return rows, Change(
            series[rows],
            n[rows],
            total[rows],
            good[rows],
            series[buckets.row],
            buckets.bucket,
            buckets.change,
        )


def _last_of_each(places: Integers) -> Integers | None:
    """The last row of each place, ascending; None when no place is there twice."""
    ordered = np.sort(places)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    _, last = np.unique(places[::-1], return_index=True)
    return np.sort(len(places) - 1 - last)
