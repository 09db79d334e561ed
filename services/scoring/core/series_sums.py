"""The sums of all series in each window, as dense columns.

Each series has a stamp in each window: it grows whenever the series' sums change there, so that a
reader knows what it has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.scoring.core.changes import Change, bucket_of_key, number_of_key
from services.scoring.core.columns import Integers, grown, run_starts
from services.scoring.core.key_index import KeyIndex
from services.scoring.core.sketch import Sketch

_LEAST_TO_CLEAR: Final = 1 << 14


class SeriesSums:
    """Sums of ``windows`` windows."""

    def __init__(self, windows: int) -> None:
        self._windows = range(windows)
        self._n: list[Integers] = [np.zeros(0, np.int64) for _ in self._windows]
        self._total: list[Integers] = [np.zeros(0, np.int64) for _ in self._windows]
        self._good: list[Integers] = [np.zeros(0, np.int64) for _ in self._windows]
        self._stamps: list[Integers] = [np.zeros(0, np.int64) for _ in self._windows]
        self._stamp = 0
        self._buckets = _BucketSums(windows)

    def reach(self, size: int) -> None:
        """Make room for series 0 to ``size``."""
        if size > len(self._n[0]):
            for columns in (self._n, self._total, self._good, self._stamps):
                columns[:] = [grown(column, size) for column in columns]

    def add(self, windows: Sequence[int], change: Change) -> None:
        """Add a change to some windows."""
        if not windows:
            return
        for window in windows:
            np.add.at(self._n[window], change.series, change.n)
            np.add.at(self._total[window], change.series, change.total)
            np.add.at(self._good[window], change.series, change.good)
        self.touch(windows, change.series)
        if len(change.buckets):
            self._buckets.add(windows, change)

    def touch(self, windows: Sequence[int], series: Integers) -> None:
        """Let readers look at series again."""
        self._stamp += 1
        for window in windows:
            self._stamps[window][series] = self._stamp

    def stamp(self, window: int, series: int) -> int:
        """Grows with every change of the series in the window; 0 before the first."""
        return int(self._stamps[window][series])

    def numbers(self, window: int, series: int) -> tuple[int, int, int]:
        """n, total and good of a series."""
        return (
            int(self._n[window][series]),
            int(self._total[window][series]),
            int(self._good[window][series]),
        )

    def sketch(self, window: int, series: int) -> Sketch | None:
        """The sketch of a series, ascending by bucket; None when there is nothing in it."""
        return self._buckets.sketch(window, series)

    def occupied(self, window: int) -> Integers:
        """Series with any sum in a window."""
        return np.flatnonzero(self._n[window] | self._total[window] | self._good[window])

    def clear_buckets(self) -> None:
        """Forget buckets that nothing is in, when that is worth while."""
        self._buckets.clear()


class _BucketSums:
    """Counts by series and bucket. The entries of one series are found by a list of their places,
    made when it is asked for."""

    def __init__(self, windows: int) -> None:
        self._index = KeyIndex()
        self._counts: list[Integers] = [np.zeros(0, np.int64) for _ in range(windows)]
        self._places: dict[int, Integers] = {}
        self._fresh: dict[int, list[Integers]] = {}
        self._clear_at = _LEAST_TO_CLEAR

    def add(self, windows: Sequence[int], change: Change) -> None:
        known = len(self._index)
        places = self._index.place(change.buckets)
        self._note(known)
        for window in windows:
            np.add.at(self._counts[window], places, change.counts)

    def sketch(self, window: int, series: int) -> Sketch | None:
        places = self._places_of(series)
        if places is None:
            return None
        counts = self._counts[window][places]
        held = np.flatnonzero(counts)
        if not len(held):
            return None
        buckets = bucket_of_key(self._index.keys[places[held]])
        return dict(zip(buckets.tolist(), counts[held].tolist(), strict=True))

    def clear(self) -> None:
        if len(self._index) < self._clear_at:
            return
        size = len(self._index)
        held = np.flatnonzero(np.logical_or.reduce([counts[:size] for counts in self._counts]))
        keys, self._index = self._index.keys[held], KeyIndex(len(held))
        places = self._index.place(keys)
        for window, counts in enumerate(self._counts):
            self._counts[window] = np.zeros(len(held), np.int64)
            self._counts[window][places] = counts[held]
        self._places.clear()
        self._fresh.clear()
        self._note(0)
        self._clear_at = max(_LEAST_TO_CLEAR, 2 * len(self._index))

    def _note(self, first: int) -> None:
        """New places, ascending by key within one call of the index, belong to their series."""
        size = len(self._index)
        if size == first:
            return
        self._counts[:] = [grown(counts, size) for counts in self._counts]
        series = number_of_key(self._index.keys[first:])
        starts = run_starts(series)
        for number, places in zip(
            series[starts].tolist(),
            np.split(np.arange(first, size), starts[1:]),
            strict=True,
        ):
            self._fresh.setdefault(number, []).append(places)

    def _places_of(self, series: int) -> Integers | None:
        """The entries of a series, ascending by bucket."""
        fresh = self._fresh.pop(series, None)
        known = self._places.get(series)
        if fresh is None:
            return known
        places = np.concatenate(fresh if known is None else [known, *fresh])
        self._places[series] = places = places[np.argsort(self._index.keys[places])]
        return places
