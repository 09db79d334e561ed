"""Cells as numpy columns, and their wire form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts.panes import Cells, ScopeName

Integers = NDArray[np.int64]

_INT64: Final = np.dtype("<i8")
_UINT32: Final = np.dtype("<u4")
_UINT16: Final = np.dtype("<u2")
_INT16: Final = np.dtype("<i2")
_UINT8: Final = np.dtype("u1")


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
