"""The sketches of a pane's cells: ragged columns, each cell's entries beside one another."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.bucket_keys import bucket_keys, bucket_of_key, number_of_key, summed
from services.scoring.core.cell_batch import NO_SKETCHES, Sketches
from services.scoring.core.columns import Integers, grown, spread
from services.scoring.core.key_index import distinct

_SLACK: Final = 1024
_NONE: Final = np.zeros(0, np.int64)


class SketchStore:
    """Entries lie where they were first written while they fit; what outgrows its room moves to the
    end. When most of the room is lost, all entries are moved together."""

    __slots__ = ("_bucket", "_counts", "_length", "_live", "_start", "_used")

    def __init__(self, sketches: Sketches = NO_SKETCHES) -> None:
        lengths = sketches.lengths
        self._start: NDArray[np.int32] = (lengths.cumsum() - lengths).astype(np.int32)
        self._length: NDArray[np.int32] = lengths.astype(np.int32)
        self._bucket: NDArray[np.int16] = sketches.bucket.astype(np.int16)
        self._counts: Integers = sketches.counts
        self._used = self._live = len(sketches.bucket)

    def swap(self, places: Integers, size: int, new: Sketches) -> Sketches:
        """Replace the sketches of cells (none of them twice, out of ``size``), and return what they
        were."""
        if not self._used and not len(new.bucket):
            return Sketches(np.zeros(len(places), np.int64), _NONE, _NONE)
        self._start, self._length = grown(self._start, size), grown(self._length, size)
        lengths = self._length[places].astype(np.int64)
        starts = self._start[places].astype(np.int64)
        old = self._at(starts, lengths)
        self._write(places, starts, lengths, new)
        return old

    def add(self, places: Integers, size: int, bucket: Integers, counts: Integers) -> None:
        """Add to counts of cells (out of ``size``) by bucket; the same may be there twice."""
        own = distinct(places)
        self._start, self._length = grown(self._start, size), grown(self._length, size)
        old = self._at(self._start[own].astype(np.int64), self._length[own].astype(np.int64))
        rows = np.arange(len(own)).repeat(old.lengths)
        keys, sums = summed(
            bucket_keys(
                np.concatenate((rows, own.searchsorted(places))),
                np.concatenate((old.bucket, bucket)),
            ),
            np.concatenate((old.counts, counts)),
        )
        lengths = np.bincount(number_of_key(keys), minlength=len(own))
        self.swap(own, size, Sketches(lengths, bucket_of_key(keys), sums))

    def all(self, size: int) -> Sketches:
        """The sketches of cells 0 to ``size``."""
        if not self._used:
            return Sketches(np.zeros(size, np.int64), _NONE, _NONE)
        self._start, self._length = grown(self._start, size), grown(self._length, size)
        return self._at(self._start[:size].astype(np.int64), self._length[:size].astype(np.int64))

    def _at(self, starts: Integers, lengths: Integers) -> Sketches:
        entries = spread(starts, lengths)
        return Sketches(lengths, self._bucket[entries].astype(np.int64), self._counts[entries])

    def _write(self, places: Integers, starts: Integers, room: Integers, new: Sketches) -> None:
        appended = np.where(new.lengths > room, new.lengths, 0)
        ends = np.cumsum(appended)
        starts = np.where(appended > 0, self._used + ends - appended, starts)
        self._start[places], self._length[places] = starts, new.lengths
        self._live += len(new.bucket) - int(room.sum())
        self._used += int(ends[-1])
        self._bucket = grown(self._bucket, self._used)
        self._counts = grown(self._counts, self._used)
        entries = spread(starts, new.lengths)
        self._bucket[entries], self._counts[entries] = new.bucket, new.counts
        if self._used > 2 * self._live + _SLACK:
            self._move_together()

    def _move_together(self) -> None:
        entries = spread(self._start.astype(np.int64), self._length.astype(np.int64))
        self._bucket, self._counts = self._bucket[entries], self._counts[entries]
        self._start = (np.cumsum(self._length) - self._length).astype(np.int32)
        self._used = self._live
