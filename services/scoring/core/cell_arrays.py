"""Cells as numpy columns, and their wire form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from services.scoring.core.columns import Integers, run_lengths, run_starts, spread
from shared.contracts.panes import Cells, ScopeName

_INT64: Final = np.dtype("<i8")
_UINT32: Final = np.dtype("<u4")
_UINT16: Final = np.dtype("<u2")
_INT16: Final = np.dtype("<i2")
_UINT8: Final = np.dtype("u1")
_CELL_BYTES: Final = 44
_BUCKET_BYTES: Final = 10
_PLACE_BITS: Final = 32


class Limits(NamedTuple):
    """Of a record: cells at most, and bytes at most unless a single cell has more."""

    cells: int
    record_bytes: int


class CellArrays(NamedTuple):
    """Columns of cells, all int64, as `Cells` describes them; ``scope`` is a number of whoever
    made them. ``buckets`` counts the entries that each cell has in ``bucket`` and ``counts``."""

    scope: Integers
    level: Integers
    indicator: Integers
    start_ms: Integers
    n: Integers
    total: Integers
    good: Integers
    buckets: Integers
    bucket: Integers
    counts: Integers

    @property
    def size(self) -> int:
        """How many cells."""
        return len(self.scope)

    def take(self, places: Integers) -> CellArrays:
        """Some of the cells, in this order."""
        ends = np.cumsum(self.buckets)
        lengths = self.buckets[places]
        entries = spread(ends[places] - lengths, lengths)
        cells = (column[places] for column in self[:-2])
        sketches = (column[entries] for column in self[-2:])
        return CellArrays(*cells, *sketches)


_NONE: Final = np.zeros(0, np.int64)
NO_ARRAYS: Final = CellArrays(*[_NONE] * len(CellArrays._fields))


def joined(parts: Sequence[CellArrays]) -> CellArrays:
    """The cells of all parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    return CellArrays(*map(np.concatenate, zip(*parts, strict=True))) if parts else NO_ARRAYS


def to_wire(arrays: CellArrays, names: Sequence[ScopeName]) -> Cells:
    """The wire form; ``names[s]`` is the scope with number s."""
    distinct, places = np.unique(arrays.scope, return_inverse=True)
    return Cells(
        [names[scope] for scope in distinct.tolist()],
        places.astype(_UINT32).tobytes(),
        arrays.level.astype(_UINT8).tobytes(),
        arrays.indicator.astype(_UINT8).tobytes(),
        arrays.start_ms.astype(_INT64, copy=False).tobytes(),
        arrays.n.astype(_INT64, copy=False).tobytes(),
        arrays.total.astype(_INT64, copy=False).tobytes(),
        arrays.good.astype(_INT64, copy=False).tobytes(),
        arrays.buckets.astype(_UINT16).tobytes(),
        arrays.bucket.astype(_INT16).tobytes(),
        arrays.counts.astype(_INT64, copy=False).tobytes(),
    )


def from_wire(cells: Cells, numbers: Integers) -> CellArrays:
    """The inverse; ``numbers[p]`` is the number of the scope ``cells.scopes[p]``."""
    return CellArrays(
        numbers[np.frombuffer(cells.scope, _UINT32)],
        np.frombuffer(cells.level, _UINT8).astype(np.int64),
        np.frombuffer(cells.indicator, _UINT8).astype(np.int64),
        np.frombuffer(cells.start_ms, _INT64),
        np.frombuffer(cells.n, _INT64),
        np.frombuffer(cells.total, _INT64),
        np.frombuffer(cells.good, _INT64),
        np.frombuffer(cells.buckets, _UINT16).astype(np.int64),
        np.frombuffer(cells.bucket, _INT16).astype(np.int64),
        np.frombuffer(cells.counts, _INT64),
    )


class WireCells:
    """Cells laid out for the wire once and cut into records many times: ascending by group and,
    within one, by scope, so that every run of them is a few slices of bytes."""

    def __init__(
        self, arrays: CellArrays, names: Sequence[ScopeName], groups: Integers, limits: Limits
    ) -> None:
        """``names`` and ``groups`` (any numbers) are by the number of a scope; a scope belongs to
        one group."""
        self._limits = limits
        self._names = names
        order = _by_scope(arrays.scope, groups)
        arrays = arrays.take(order)
        self._runs = run_starts(arrays.scope)
        self._scopes = arrays.scope[self._runs]
        self._groups = groups[self._scopes]
        lengths = run_lengths(self._runs, arrays.size)
        self._run = np.repeat(np.arange(len(self._runs), dtype=_UINT32), lengths)
        self._arrays = arrays
        self._entries = _ends(arrays.buckets)
        self._bytes = _CELL_BYTES * np.arange(arrays.size + 1) + _BUCKET_BYTES * self._entries
        self._level = arrays.level.astype(_UINT8)
        self._indicator = arrays.indicator.astype(_UINT8)
        self._buckets = arrays.buckets.astype(_UINT16)
        self._bucket = arrays.bucket.astype(_INT16)

    def __len__(self) -> int:
        return self._arrays.size

    def records(self) -> list[Cells]:
        """All cells in records of bounded size."""
        return list(self._cut(0, len(self)))

    def by_group(self) -> dict[int, list[Cells]]:
        """The records of each group."""
        starts = run_starts(self._groups)
        bounds = [*self._runs[starts].tolist(), len(self)]
        groups = self._groups[starts].tolist()
        return {
            group: list(self._cut(first, last))
            for group, (first, last) in zip(groups, pairwise(bounds), strict=True)
        }

    def _cut(self, first: int, last: int) -> Iterator[Cells]:
        while first < last:
            full = int(self._bytes[first]) + self._limits.record_bytes
            fitting = int(np.searchsorted(self._bytes, full, side="right")) - 1
            end = min(last, first + self._limits.cells, max(fitting, first + 1))
            yield self._record(slice(first, end))
            first = end

    def _record(self, part: slice) -> Cells:
        arrays = self._arrays
        runs = self._run[part]
        entries = slice(int(self._entries[part.start]), int(self._entries[part.stop]))
        return Cells(
            [self._names[s] for s in self._scopes[runs[0] : int(runs[-1]) + 1].tolist()],
            (runs - runs[0]).tobytes(),
            self._level[part].tobytes(),
            self._indicator[part].tobytes(),
            arrays.start_ms[part].astype(_INT64, copy=False).tobytes(),
            arrays.n[part].astype(_INT64, copy=False).tobytes(),
            arrays.total[part].astype(_INT64, copy=False).tobytes(),
            arrays.good[part].astype(_INT64, copy=False).tobytes(),
            self._buckets[part].tobytes(),
            self._bucket[entries].tobytes(),
            arrays.counts[entries].astype(_INT64, copy=False).tobytes(),
        )


def _by_scope(scopes: Integers, groups: Integers) -> Integers:
    """The order of cells by group, then scope, then place. Sorting keys that hold the place is
    several times as fast as a stable sort of places."""
    keys = np.sort(scopes << _PLACE_BITS | np.arange(len(scopes)))
    order = keys & (1 << _PLACE_BITS) - 1
    starts = run_starts(keys >> _PLACE_BITS)
    lengths = run_lengths(starts, len(order))
    runs = np.argsort(groups[scopes[order[starts]]], kind="stable")
    return order[spread(starts[runs], lengths[runs])]


def _ends(lengths: Integers) -> Integers:
    ends = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=ends[1:])
    return ends
