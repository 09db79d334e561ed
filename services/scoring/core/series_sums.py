"""The sums of all series in each window, as dense columns.

Each series has a stamp in each window: it grows whenever the series' sums change there, so that a
reader knows what it has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.bucket_keys import bucket_of_key, number_of_key
from services.scoring.core.changes import Change
from services.scoring.core.columns import Integers, grown, run_starts
from services.scoring.core.key_index import KeyIndex
from services.scoring.core.sketch import Sketch

_LEAST_TO_CLEAR: Final = 1 << 14
_NONE: Final = np.zeros(0, np.int64)


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
        self._buckets.add(windows, change)

    def entries(self, keys: Integers) -> Integers:
        """Places for counts by series and bucket (`bucket_keys`)."""
        return self._buckets.place(keys)

    def touch(self, windows: Sequence[int], series: Integers) -> None:
        """Let readers look at series again."""
        self._stamp += 1
        for window in windows:
            self._stamps[window][series] = self._stamp

    def stamp(self, window: int, series: int) -> int:
        """Grows with every change of the series in the window; 0 before the first."""
        return int(self._stamps[window][series])

    def numbers(self, window: int, series: Integers) -> tuple[list[int], list[int], list[int]]:
        """n, total and good of some series."""
        return (
            self._n[window][series].tolist(),
            self._total[window][series].tolist(),
            self._good[window][series].tolist(),
        )

    def have_sketches(self, series: Integers) -> list[bool]:
        """Of which series any sketch was ever seen."""
        return self._buckets.known(series)

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
    """Counts by series and bucket. The entries of a series are chained, the latest first: places
    fall along the chain, so that a reader who knows some of them only looks at the newer ones."""

    def __init__(self, windows: int) -> None:
        self._index = KeyIndex()
        self._counts: list[Integers] = [np.zeros(0, np.int64) for _ in range(windows)]
        self._latest: NDArray[np.int32] = np.zeros(0, np.int32)
        self._before: NDArray[np.int32] = np.zeros(0, np.int32)
        self._known: dict[int, tuple[int, Integers]] = {}
        self._clear_at = _LEAST_TO_CLEAR

    def place(self, keys: Integers) -> Integers:
        known = len(self._index)
        places = self._index.place(keys)
        if len(self._index) > known:
            self._chain(known)
        return places

    def add(self, windows: Sequence[int], change: Change) -> None:
        if len(change.entries):
            for window in windows:
                np.add.at(self._counts[window], change.entries, change.counts)

    def sketch(self, window: int, series: int) -> Sketch | None:
        places = self._places_of(series)
        if not len(places):
            return None
        counts = self._counts[window][places]
        (held,) = counts.nonzero()
        if not len(held):
            return None
        buckets = bucket_of_key(self._index.keys[places[held]])
        return dict(zip(buckets.tolist(), counts[held].tolist(), strict=True))

    def known(self, series: Integers) -> list[bool]:
        self._latest = grown(self._latest, int(series.max(initial=-1)) + 1)
        known: list[bool] = (self._latest[series] != 0).tolist()
        return known

    def clear(self) -> None:
        if len(self._index) < self._clear_at:
            return
        size = len(self._index)
        (held,) = np.logical_or.reduce([counts[:size] for counts in self._counts]).nonzero()
        keys, self._index = self._index.keys[held], KeyIndex(len(held))
        places = self._index.place(keys)
        for window, counts in enumerate(self._counts):
            self._counts[window] = np.zeros(len(held), np.int64)
            self._counts[window][places] = counts[held]
        self._known.clear()
        self._latest[:] = 0
        if len(held):
            self._chain(0)
        self._clear_at = max(_LEAST_TO_CLEAR, 2 * len(self._index))

    def _chain(self, first: int) -> None:
        """Put the new places, which ascend by series, before those that their series have. Links
        are places plus one; 0 ends a chain."""
        size = len(self._index)
        self._counts[:] = [grown(counts, size) for counts in self._counts]
        self._before = grown(self._before, size)
        series = number_of_key(self._index.keys[first:])
        self._latest = grown(self._latest, int(series[-1]) + 1)
        starts = run_starts(series)
        self._before[first:size] = np.arange(first, size)
        self._before[first + starts] = self._latest[series[starts]]
        self._latest[series] = np.arange(first + 1, size + 1)

    def _places_of(self, series: int) -> Integers:
        """The entries of a series, ascending by bucket."""
        latest = int(self._latest[series]) if series < len(self._latest) else 0
        reached, places = self._known.get(series, (0, _NONE))
        if latest == reached:
            return places
        fresh = []
        link = latest
        while link > reached:
            fresh.append(link - 1)
            link = int(self._before[link - 1])
        places = np.concatenate((places, fresh), dtype=np.int64)
        places = places[self._index.keys[places].argsort()]
        self._known[series] = latest, places
        return places
