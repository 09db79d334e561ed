"""The cells of several records as one set of columns.

Every numpy call costs a microsecond or two whatever it works on. Columns of many small records are
therefore put together, of one width, and looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from bellwether_native import check_cells, widened

from services.scoring.core.columns import Integers, spread
from shared.contracts.leaves import LeafName
from shared.contracts.panes import MINUTE_MS, Cells

INDICATOR_BITS: Final = 6
MAX_SOURCES: Final = 1 << 12

_INT64: Final = np.dtype("<i8")
_UINT8: Final = np.dtype("u1")


class Part(NamedTuple):
    """Cells that a source states, and up to when it had sealed its panes by then."""

    source: int
    sealed_ms: int
    cells: Cells


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


NO_SKETCHES: Final = Sketches(*[np.zeros(0, np.int64)] * 3)


class CellValues(NamedTuple):
    """What cells say, as columns."""

    n: Integers
    total: Integers
    good: Integers
    sketches: Sketches


class CellBatch(NamedTuple):
    """Columns of cells, all int64. ``part`` is the place of the part that a cell came in, and
    ascends; ``leaf`` the number that the reader gave its leaf."""

    part: Integers
    source: Integers
    leaf: Integers
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
            self.leaf[rows],
            self.level[rows],
            self.indicator[rows],
            self.start_ms[rows],
            self.n[rows],
            self.total[rows],
            self.good[rows],
            self.sketches.take(rows),
        )


def batch_of(parts: Sequence[Part], numbers_of: Callable[[list[LeafName]], list[int]]) -> CellBatch:
    """The cells of all parts, in order. They must have passed `check`; ``numbers_of`` gives numbers
    to leaves."""
    cells = [part.cells for part in parts]
    sizes = [len(each) for each in cells]
    lengths = _integers([each.buckets for each in cells], sizes)
    entries = _sums(lengths, sizes)
    names = np.array([len(each.leaves) for each in cells], np.int64)
    numbers = np.array(numbers_of([name for each in cells for name in each.leaves]), np.int64)
    leaf = _integers([each.leaf for each in cells], sizes)
    return CellBatch(
        np.arange(len(parts)).repeat(sizes),
        np.array([part.source for part in parts], np.int64).repeat(sizes),
        numbers[leaf + (names.cumsum() - names).repeat(sizes)],
        np.frombuffer(b"".join([each.level for each in cells]), _UINT8).astype(np.int64),
        np.frombuffer(b"".join([each.indicator for each in cells]), _UINT8).astype(np.int64),
        _integers([each.start_min for each in cells], sizes) * MINUTE_MS,
        _integers([each.n for each in cells], sizes),
        _integers([each.total for each in cells], sizes),
        _integers([each.good for each in cells], sizes),
        Sketches(
            lengths,
            _integers([each.bucket for each in cells], entries),
            _integers([each.counts for each in cells], entries),
        ),
    )


def _integers(columns: list[bytes], entries: list[int]) -> Integers:
    return np.frombuffer(widened(columns, entries), _INT64)


def _sums(values: Integers, sizes: list[int]) -> list[int]:
    """The sums of runs of such sizes."""
    before = np.concatenate(([0], values.cumsum()))
    ends = np.cumsum([0, *sizes])
    sums: list[int] = np.diff(before[ends]).tolist()
    return sums


def check(source: int, cells: Cells) -> None:
    """Raises `CellError` when the columns make no cells."""
    if not 0 <= source < MAX_SOURCES:
        raise CellError(f"source {source} is none of {MAX_SOURCES}")
    try:
        check_cells(cells.columns, len(cells.leaves))
    except ValueError as error:
        raise CellError(str(error)) from error
    if cells.indicator and max(cells.indicator) >> INDICATOR_BITS:
        raise CellError("a cell has no possible indicator")
