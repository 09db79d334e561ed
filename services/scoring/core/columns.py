"""Numpy columns that grow."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_LEAST_CAPACITY: Final = 64

_Scalar = TypeVar("_Scalar", bound=np.generic)


def grown(column: NDArray[_Scalar], size: int) -> NDArray[_Scalar]:
    """The column itself, or a copy that is at least twice as long, with zeros behind."""
    if size <= len(column):
        return column
    larger = np.zeros(max(2 * len(column), size, _LEAST_CAPACITY), column.dtype)
    larger[: len(column)] = column
    return larger


class Column:
    """Integers that more are appended to."""

    __slots__ = ("_size", "_values")

    def __init__(self) -> None:
        self._values: Integers = np.zeros(_LEAST_CAPACITY, np.int64)
        self._size = 0

    @property
    def values(self) -> Integers:
        """What was appended; a view, valid until the next append."""
        return self._values[: self._size]

    def append(self, value: int) -> None:
        """One more."""
        self._values = grown(self._values, self._size + 1)
        self._values[self._size] = value
        self._size += 1
