"""The sketches of many cells as columns: counts by (cell, bucket), and each cell's entries in turn.

An entry is one bucket of one cell. It is found by its key through a `KeyIndex`, and for listing a
whole sketch the entries of a cell also lie side by side in an arena. A cell whose run there is full
moves to the arena's end with twice the room, so an entry is moved once on average.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scoring.core import histograms, sketch
from services.scoring.core.columns import Integers, grown, run_lengths, run_starts, spread
from services.scoring.core.key_index import KeyIndex

_BUCKET_BITS: Final = 12
_BUCKETS: Final = 1 << _BUCKET_BITS
_ROOMS: Final = np.array([0] + [1 << (size - 1).bit_length() for size in range(1, _BUCKETS + 1)])
"""The room that a run of each size has."""

assert max(sketch.MAX_BUCKET, histograms.MAX_RATING) + 2 < _BUCKETS


class SketchColumns:
    """Counts of (cell, bucket); cells are places that the caller gives out."""

    __slots__ = ("_arena", "_arena_size", "_counts", "_first", "_index", "_size")

    def __init__(self) -> None:
        self._index = KeyIndex()
        self._counts: Integers = np.zeros(0, np.int64)
        self._first: NDArray[np.int32] = np.zeros(0, np.int32)
        self._size: NDArray[np.int32] = np.zeros(0, np.int32)
        self._arena: NDArray[np.int32] = np.zeros(0, np.int32)
        self._arena_size = 0

    def add(self, cells: Integers, buckets: Integers, counts: Integers) -> None:
        """Add counts; (cell, bucket) may repeat."""
        if not len(cells):
            return
        known = len(self._index)
        entries = self._index.place(cells << _BUCKET_BITS | buckets + 1)
        self._counts = grown(self._counts, len(self._index))
        np.add.at(self._counts, entries, counts)
        if len(self._index) > known:
            self._list_entries(known)

    def clear(self, cells: Integers) -> None:
        """Empty the sketches of some cells."""
        inside = cells[cells < len(self._first)]
        self._counts[self._entries(inside)] = 0

    def of(self, cells: Integers) -> tuple[Integers, Integers, Integers]:
        """How many buckets each cell has, and the buckets (ascending) and counts of all cells one
        after the other. Buckets whose count is 0 are left out."""
        lengths = np.zeros(len(cells), np.int64)
        timed = np.flatnonzero(cells < len(self._first))
        timed = timed[self._size[cells[timed]] > 0]
        if not len(timed):
            return lengths, np.zeros(0, np.int64), np.zeros(0, np.int64)
        entries = self._entries(cells[timed])
        owners = np.repeat(timed, self._size[cells[timed]])
        counted = self._counts[entries] != 0
        entries, owners = entries[counted], owners[counted]
        keys = owners << _BUCKET_BITS | self._index.keys[entries] & _BUCKETS - 1
        order = np.argsort(keys)
        lengths += np.bincount(owners, minlength=len(cells))
        return lengths, (keys[order] & _BUCKETS - 1) - 1, self._counts[entries[order]]

    def _entries(self, cells: Integers) -> Integers:
        return self._arena[spread(*self._runs(cells))].astype(np.int64)

    def _runs(self, cells: Integers) -> tuple[Integers, Integers]:
        """Where each cell's run in the arena begins, and how many entries it has."""
        return self._first[cells].astype(np.int64), self._size[cells].astype(np.int64)

    def _list_entries(self, known: int) -> None:
        """Append the entries from ``known`` on, which ascend by cell, to their cells' runs."""
        owners = self._index.keys[known:] >> _BUCKET_BITS
        starts = run_starts(owners)
        cells = owners[starts]
        added = run_lengths(starts, len(owners))
        self._first = grown(self._first, int(cells[-1]) + 1)
        self._size = grown(self._size, int(cells[-1]) + 1)
        self._make_room(cells, added)
        firsts, sizes = self._runs(cells)
        places = spread(firsts + sizes, added)
        self._arena[places] = np.arange(known, len(self._index))
        self._size[cells] = sizes + added

    def _make_room(self, cells: Integers, added: Integers) -> None:
        firsts, sizes = self._runs(cells)
        rooms = _ROOMS[sizes + added]
        full = rooms > _ROOMS[sizes]
        if not full.any():
            return
        cells, firsts, sizes, rooms = cells[full], firsts[full], sizes[full], rooms[full]
        old = spread(firsts, sizes)
        ends = self._arena_size + np.cumsum(rooms)
        self._arena_size = int(ends[-1])
        self._arena = grown(self._arena, self._arena_size)
        self._first[cells] = ends - rooms
        self._arena[spread(ends - rooms, sizes)] = self._arena[old]
