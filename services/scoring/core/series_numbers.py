"""Small numbers for pairs of an owner, a scope or a leaf, and an indicator."""

from __future__ import annotations

from typing import Final

import numpy as np

from services.scoring.core.cell_batch import INDICATOR_BITS
from services.scoring.core.columns import Column, Integers

_LEAST_OWNERS: Final = 16
_UNKNOWN: Final = -1


class SeriesNumbers:
    """A series is an indicator of an owner, a scope or a leaf. Numbers are given out when they are
    first asked for: a table by owner and indicator finds them, columns lead back."""

    def __init__(self) -> None:
        self._table = np.full(_LEAST_OWNERS << INDICATOR_BITS, _UNKNOWN, np.int32)
        self._owner = Column()
        self._indicator = Column()

    def __len__(self) -> int:
        return len(self._owner)

    @property
    def owner(self) -> Integers:
        """The owner of each series."""
        return self._owner.values

    @property
    def indicator(self) -> Integers:
        """The indicator of each series."""
        return self._indicator.values

    def place(self, owner: Integers, indicator: Integers) -> Integers:
        """The series of pairs, given out where there was none; pairs may repeat."""
        pairs = owner << INDICATOR_BITS | indicator
        self._reach(int(pairs.max(initial=0)) + 1)
        series: Integers = self._table[pairs].astype(np.int64)
        missing = series == _UNKNOWN
        if missing.any():
            self._append(np.unique(pairs[missing]))
            series = self._table[pairs].astype(np.int64)
        return series

    def find(self, owner: int, indicator: int) -> int | None:
        """The series of a pair."""
        pair = owner << INDICATOR_BITS | indicator
        series = int(self._table[pair]) if pair < len(self._table) else _UNKNOWN
        return None if series == _UNKNOWN else series

    def of_owner(self, owner: int) -> list[tuple[int, int]]:
        """The indicators of an owner that have a number, ascending, and their series."""
        row = self._table[owner << INDICATOR_BITS : (owner + 1) << INDICATOR_BITS].tolist()
        return [(place, series) for place, series in enumerate(row) if series != _UNKNOWN]

    def _append(self, pairs: Integers) -> None:
        self._table[pairs] = np.arange(len(self), len(self) + len(pairs))
        self._owner.extend((pairs >> INDICATOR_BITS).tolist())
        self._indicator.extend((pairs & ((1 << INDICATOR_BITS) - 1)).tolist())

    def _reach(self, size: int) -> None:
        if size > len(self._table):
            larger = np.full(max(size, 2 * len(self._table)), _UNKNOWN, np.int32)
            larger[: len(self._table)] = self._table
            self._table = larger
