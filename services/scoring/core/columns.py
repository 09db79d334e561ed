"""Numpy columns that grow, and runs in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
NarrowIntegers = NDArray[np.signedinteger[Any]]

_LEAST_CAPACITY: Final = 64
_NARROW: Final = (np.int8, np.int16, np.int32)

_Scalar = TypeVar("_Scalar", bound=np.generic)


def grown(column: NDArray[_Scalar], size: int) -> NDArray[_Scalar]:
    """The column itself, or a copy that is at least twice as long, with zeros behind."""
    if size <= len(column):
        return column
    larger = np.zeros(max(2 * len(column), size, _LEAST_CAPACITY), column.dtype)
    larger[: len(column)] = column
    return larger


def narrowed(column: Integers) -> NarrowIntegers:
    """A copy in the narrowest type that holds all entries."""
    least, greatest = int(column.min(initial=0)), int(column.max(initial=0))
    for narrow in _NARROW:
        bounds = np.iinfo(narrow)
        if bounds.min <= least and greatest <= bounds.max:
            return column.astype(narrow)
    return column.copy()


class Column:
    """Integers that more are appended to."""

    __slots__ = ("_size", "_values")

    def __init__(self) -> None:
        self._values: Integers = np.zeros(_LEAST_CAPACITY, np.int64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> Integers:
        """What was appended; a view, valid until the next append."""
        return self._values[: self._size]

    def extend(self, values: Sequence[int] | Integers) -> None:
        """Append."""
        first, self._size = self._size, self._size + len(values)
        self._values = grown(self._values, self._size)
        self._values[first : self._size] = values


def spread(firsts: Integers, lengths: Integers) -> Integers:
    """The places of all runs one after the other: first, first + 1, … for each ``lengths``."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(firsts - ends + lengths, lengths)


def run_starts(column: Integers) -> Integers:
    """Where each run of equal entries begins."""
    if not len(column):
        return np.zeros(0, np.int64)
    changes = np.empty(len(column), np.bool_)
    changes[0] = True
    np.not_equal(column[1:], column[:-1], out=changes[1:])
    return changes.nonzero()[0]
