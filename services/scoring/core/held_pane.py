"""One pane as a reader holds it: what every source last said of each of its cells.

Cells are known by the numbers that the reader gave to their series and source, the same in every
pane. A pane that is written to finds them by a table. One at rest has none and no slack, and its
columns are as narrow as their entries allow. What is added to cells waits until somebody asks, or
until it is much: it is summed up all at once.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.cell_batch import NO_SKETCHES, CellValues, Sketches
from services.scoring.core.changes import Change
from services.scoring.core.columns import Integers, NarrowIntegers, grown, narrowed
from services.scoring.core.key_index import distinct
from services.scoring.core.sketch_store import SketchStore

_ABSENT: Final = -1
_LEAST_TABLE: Final = 1024
_MOST_WAITING: Final = 1 << 15
"""Entries; or as many as there are cells: what waits is merged with all that it adds to."""
_ADDITION: Final = 32
"""An addition takes as much room as so many entries, whatever it holds."""


_NONE: Final = np.zeros(0, np.int64)
NO_VALUES: Final = CellValues(_NONE, _NONE, _NONE, NO_SKETCHES)


class HeldPane:
    """Columns of cells. A cell costs 36 bytes, and 10 for each bucket of its sketch; at rest about
    a third of that."""

    __slots__ = (
        "_cells",
        "_good",
        "_known",
        "_n",
        "_packed",
        "_size",
        "_sketches",
        "_table",
        "_total",
        "_waiting",
        "_waits",
    )

    def __init__(self) -> None:
        self._packed: list[NarrowIntegers] | None = None
        self._cells: NDArray[np.int32] = np.zeros(0, np.int32)
        self._n: Integers = np.zeros(0, np.int64)
        self._total: Integers = np.zeros(0, np.int64)
        self._good: Integers = np.zeros(0, np.int64)
        self._sketches = SketchStore()
        self._size = 0
        self._table: NDArray[np.int32] | None = None
        self._waiting: list[Change] = []
        self._waits = self._known = 0

    def __len__(self) -> int:
        self._settle()
        return self._size

    def swap(self, cells: Integers, known: int, new: CellValues) -> CellValues:
        """Replace cells, none of them twice, and return what they said before. ``known`` is how
        many numbers of cells were given out."""
        self._settle()
        places = self._table_with(cells, known)[cells].astype(np.int64)
        old = CellValues(
            self._n[places],
            self._total[places],
            self._good[places],
            self._sketches.swap(places, self._size, new.sketches),
        )
        self._n[places], self._total[places], self._good[places] = new.n, new.total, new.good
        return old

    def add(self, change: Change, known: int) -> None:
        """Add to cells; ``known`` as of `swap`."""
        self._waiting.append(change)
        self._known = known
        self._waits += _ADDITION + len(change.numbers) + len(change.counts)
        if self._waits > max(_MOST_WAITING, self._size):
            self._settle()

    def all(self) -> tuple[Integers, CellValues]:
        """All cells, and what they say."""
        self._settle()
        if self._packed is not None:
            return _unpacked(self._packed)
        size = self._size
        return self._cells[:size].astype(np.int64), CellValues(
            self._n[:size], self._total[:size], self._good[:size], self._sketches.all(size)
        )

    def rest(self) -> None:
        """Give up what only helps to write."""
        packed = _packed(*self.all())
        self._hold(_NONE, NO_VALUES)
        self._table, self._packed = None, packed

    def _wake(self) -> None:
        self._hold(*self.all())
        self._packed = None

    def _hold(self, cells: Integers, values: CellValues) -> None:
        self._cells = cells.astype(np.int32)
        self._n, self._total, self._good, sketches = values
        self._sketches = SketchStore(sketches)

    def _settle(self) -> None:
        """Add what waits."""
        if not self._waiting:
            return
        waiting = map(np.concatenate, zip(*self._waiting, strict=True))
        cells, n, total, good, bucket_cells, bucket, counts = waiting
        self._waiting, self._waits = [], 0
        table = self._table_with(distinct(cells), self._known)
        places = table[cells]
        np.add.at(self._n, places, n)
        np.add.at(self._total, places, total)
        np.add.at(self._good, places, good)
        if len(counts):
            own = table[bucket_cells].astype(np.int64)
            self._sketches.add(own, self._size, bucket, counts)

    def _table_with(self, cells: Integers, known: int) -> NDArray[np.int32]:
        """The table of places, in which cells, none of them twice, have one."""
        if self._packed is not None:
            self._wake()
        table = self._table
        if table is None or len(table) < known:
            table = self._table = self._new_table(known)
        (missing,) = (table[cells] == _ABSENT).nonzero()
        if len(missing):
            self._append(cells[missing], table)
        return table

    def _append(self, cells: Integers, table: NDArray[np.int32]) -> None:
        first, self._size = self._size, self._size + len(cells)
        self._cells, self._n = grown(self._cells, self._size), grown(self._n, self._size)
        self._total, self._good = grown(self._total, self._size), grown(self._good, self._size)
        self._cells[first : self._size] = cells
        table[cells] = np.arange(first, self._size)

    def _new_table(self, known: int) -> NDArray[np.int32]:
        table = np.full(max(_LEAST_TABLE, 1 << known.bit_length()), _ABSENT, np.int32)
        table[self._cells[: self._size]] = np.arange(self._size)
        return table


def _packed(cells: Integers, values: CellValues) -> list[NarrowIntegers]:
    n, total, good, sketches = values
    return [narrowed(column) for column in (cells, n, total, good, *sketches)]


def _unpacked(packed: list[NarrowIntegers]) -> tuple[Integers, CellValues]:
    cells, n, total, good, *sketches = (column.astype(np.int64) for column in packed)
    return cells, CellValues(n, total, good, Sketches(*sketches))
