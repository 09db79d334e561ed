"""The sketches of a pane's cells: ragged columns, each cell's entries beside one another."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.cell_batch import Sketches
from services.scoring.core.columns import Integers, grown, run_starts, spread

_BUCKET_BITS: Final = 16
_BUCKET_OFFSET: Final = 1 << (_BUCKET_BITS - 1)
_BUCKET_MASK: Final = (1 << _BUCKET_BITS) - 1
_SLACK: Final = 1024

_NONE: Final = np.zeros(0, np.int64)


class BucketChanges(NamedTuple):
    """What is added to buckets of cells; no entry is 0 and no bucket of a cell is there twice."""

    row: Integers
    bucket: Integers
    change: Integers


NO_CHANGES: Final = BucketChanges(_NONE, _NONE, _NONE)


def bucket_keys(numbers: Integers, bucket: Integers) -> Integers:
    """A number and a bucket as one key, ascending by both."""
    return numbers << _BUCKET_BITS | bucket + _BUCKET_OFFSET


def number_of_key(keys: Integers) -> Integers:
    """The number in a key."""
    return keys >> _BUCKET_BITS


def bucket_of_key(keys: Integers) -> Integers:
    """The bucket in a key."""
    return (keys & _BUCKET_MASK) - _BUCKET_OFFSET


class SketchStore:
    """Entries lie where they were first written while they fit; what outgrows its room moves to the
    end. When most of the room is lost, all entries are moved together."""

    __slots__ = ("_bucket", "_counts", "_length", "_live", "_start", "_used")

    def __init__(self) -> None:
        self._start: Integers = _NONE
        self._length: Integers = _NONE
        self._bucket: NDArray[np.int16] = np.zeros(0, np.int16)
        self._counts: Integers = _NONE
        self._used = 0
        self._live = 0

    def replace(self, places: Integers, size: int, new: Sketches) -> BucketChanges:
        """Replace the sketches of cells (none of them twice, out of ``size``); what that changes,
        by row."""
        if not self._used and not len(new.bucket):
            return NO_CHANGES
        self._start, self._length = grown(self._start, size), grown(self._length, size)
        changes = self._compare(places, new)
        if len(changes.row):
            rows = changes.row[run_starts(changes.row)]
            self._write(places[rows], new.take(rows))
        return changes

    def all(self, size: int) -> Sketches:
        """The sketches of cells 0 to ``size``."""
        if not self._used:
            return Sketches(np.zeros(size, np.int64), _NONE, _NONE)
        lengths = grown(self._length, size)[:size]
        entries = spread(grown(self._start, size)[:size], lengths)
        return Sketches(lengths, self._bucket[entries].astype(np.int64), self._counts[entries])

    def _compare(self, places: Integers, new: Sketches) -> BucketChanges:
        rows = np.arange(len(places))
        lengths = self._length[places]
        entries = spread(self._start[places], lengths)
        before = bucket_keys(np.repeat(rows, lengths), self._bucket[entries].astype(np.int64))
        after = bucket_keys(np.repeat(rows, new.lengths), new.bucket)
        keys, change = _difference(before, self._counts[entries], after, new.counts)
        changed = np.flatnonzero(change)
        keys = keys[changed]
        return BucketChanges(number_of_key(keys), bucket_of_key(keys), change[changed])

    def _write(self, places: Integers, new: Sketches) -> None:
        room = self._length[places]
        appended = np.where(new.lengths > room, new.lengths, 0)
        ends = np.cumsum(appended)
        starts = np.where(appended > 0, self._used + ends - appended, self._start[places])
        self._start[places], self._length[places] = starts, new.lengths
        self._live += int(new.lengths.sum()) - int(room.sum())
        self._used += int(ends[-1])
        self._bucket = grown(self._bucket, self._used)
        self._counts = grown(self._counts, self._used)
        entries = spread(starts, new.lengths)
        self._bucket[entries], self._counts[entries] = new.bucket, new.counts
        if self._used > 2 * self._live + _SLACK:
            self._move_together()

    def _move_together(self) -> None:
        entries = spread(self._start, self._length)
        self._bucket, self._counts = self._bucket[entries], self._counts[entries]
        self._start = np.cumsum(self._length) - self._length
        self._used = self._live


def _difference(
    before: Integers, taken: Integers, after: Integers, given: Integers
) -> tuple[Integers, Integers]:
    """Distinct keys, ascending, and what was given less what was taken of each."""
    if np.array_equal(before, after):
        return after, given - taken
    keys = np.concatenate((before, after))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = run_starts(keys)
    change = np.concatenate((-taken, given))[order]
    return keys[starts], np.add.reduceat(change, starts)
