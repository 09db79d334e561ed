"""The cells of several records as one set of columns.

Every numpy call costs a microsecond or two whatever it works on. Columns of many small records are
therefore put together as bytes, and looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from services.scoring.core.columns import Integers, spread
from shared.contracts.panes import TOTAL, Cells, ScopeName
from shared.contracts.scopes import SCOPE_KINDS

INDICATOR_BITS: Final = 6
MAX_SOURCES: Final = 1 << 12

_INT64: Final = np.dtype("<i8")
_UINT32: Final = np.dtype("<u4")
_UINT16: Final = np.dtype("<u2")
_INT16: Final = np.dtype("<i2")
_UINT8: Final = np.dtype("u1")

Part = tuple[int, Cells]
"""A source, and cells that it states."""


class CellError(ValueError):
    """Columns that do not fit together, or that hold what no cell can be."""


class Sketches(NamedTuple):
    """Sketches of cells in a row: how many entries each has, and all entries."""

    lengths: Integers
    bucket: Integers
    counts: Integers

    def take(self, rows: Integers) -> Sketches:
        """Those of some of the cells, in this order."""
        lengths = self.lengths[rows]
        entries = spread((self.lengths.cumsum() - self.lengths)[rows], lengths)
        return Sketches(lengths, self.bucket[entries], self.counts[entries])


class CellBatch(NamedTuple):
    """Columns of cells, all int64. ``part`` is the place of the part that a cell came in, and
    ascends; ``scope`` the number that the reader gave its scope."""

    part: Integers
    source: Integers
    scope: Integers
    level: Integers
    indicator: Integers
    start_ms: Integers
    n: Integers
    total: Integers
    good: Integers
    sketches: Sketches

    def take(self, rows: Integers) -> CellBatch:
        """Some of the cells, in this order."""
        return CellBatch(
            self.part[rows],
            self.source[rows],
            self.scope[rows],
            self.level[rows],
            self.indicator[rows],
            self.start_ms[rows],
            self.n[rows],
            self.total[rows],
            self.good[rows],
            self.sketches.take(rows),
        )


def batch_of(
    parts: Sequence[Part], numbers_of: Callable[[list[ScopeName]], list[int]]
) -> CellBatch:
    """The cells of all parts, in order. They must have passed `check`; ``numbers_of`` gives numbers
    to scopes."""
    cells = [cells for _, cells in parts]
    sizes = np.array([len(each) for each in cells], np.int64)
    names = np.array([len(each.scopes) for each in cells], np.int64)
    numbers = np.array(numbers_of([name for each in cells for name in each.scopes]), np.int64)
    scope = np.frombuffer(b"".join([each.scope for each in cells]), _UINT32).astype(np.int64)
    return CellBatch(
        np.arange(len(parts)).repeat(sizes),
        np.array([source for source, _ in parts], np.int64).repeat(sizes),
        numbers[scope + (names.cumsum() - names).repeat(sizes)],
        np.frombuffer(b"".join([each.level for each in cells]), _UINT8).astype(np.int64),
        np.frombuffer(b"".join([each.indicator for each in cells]), _UINT8).astype(np.int64),
        np.frombuffer(b"".join([each.start_ms for each in cells]), _INT64),
        np.frombuffer(b"".join([each.n for each in cells]), _INT64),
        np.frombuffer(b"".join([each.total for each in cells]), _INT64),
        np.frombuffer(b"".join([each.good for each in cells]), _INT64),
        Sketches(
            np.frombuffer(b"".join([each.buckets for each in cells]), _UINT16).astype(np.int64),
            np.frombuffer(b"".join([each.bucket for each in cells]), _INT16).astype(np.int64),
            np.frombuffer(b"".join([each.counts for each in cells]), _INT64),
        ),
    )


def check(source: int, cells: Cells) -> None:
    """Raises `CellError` when the columns make no cells."""
    size = len(cells.level)
    if not 0 <= source < MAX_SOURCES:
        raise CellError(f"source {source} is none of {MAX_SOURCES}")
    _check_lengths(cells, size)
    if not size:
        return
    if int(np.frombuffer(cells.scope, _UINT32).max()) >= len(cells.scopes):
        raise CellError("a cell's scope is not among those of the record")
    if any(not 0 <= kind < len(SCOPE_KINDS) for _, kind, _ in cells.scopes):
        raise CellError("a scope is of an unknown kind")
    if max(cells.level) > TOTAL or max(cells.indicator) >> INDICATOR_BITS:
        raise CellError("a cell has no known level, or no possible indicator")
    if int(np.frombuffer(cells.buckets, _UINT16).sum()) != len(cells.bucket) // _INT16.itemsize:
        raise CellError("the cells have another number of buckets than they say")


def _check_lengths(cells: Cells, size: int) -> None:
    wide = (cells.start_ms, cells.n, cells.total, cells.good)
    if (
        len(cells.indicator) != size
        or len(cells.scope) != size * _UINT32.itemsize
        or len(cells.buckets) != size * _UINT16.itemsize
        or any(len(column) != size * _INT64.itemsize for column in wide)
        or len(cells.counts) * _INT16.itemsize != len(cells.bucket) * _INT64.itemsize
        or len(cells.bucket) % _INT16.itemsize
    ):
        raise CellError("the columns are not of one length")
