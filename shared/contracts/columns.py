"""Columns of records: arrays of little-endian integers, an entry a row.

A narrow column is of signed integers as narrow as the greatest of its entries needs: 1, 2, 4 or 8
bytes. Its width is not written down: it is the bytes of the column divided by its entries.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

_CODES: Final = {1: "b", 2: "h", 4: "i", 8: "q"}


def pack(code: str, numbers: Sequence[int]) -> bytes:
    """The column of some numbers; ``code`` is a format character of `struct`. Raises
    ``struct.error`` when a number does not fit."""
    return struct.pack(f"<{len(numbers)}{code}", *numbers)


def unpack(code: str, column: bytes) -> tuple[int, ...]:
    """The inverse. Raises ``struct.error`` when the column ends inside a number."""
    return struct.unpack(f"<{len(column) // struct.calcsize(code)}{code}", column)


def pack_narrow(numbers: Sequence[int]) -> bytes:
    """The narrow column of some numbers. Raises ``struct.error`` for one of more than 64 bits."""
    greatest = max((number if number >= 0 else ~number for number in numbers), default=0)
    width = next((width for width in _CODES if greatest < 1 << 8 * width - 1), 8)
    return pack(_CODES[width], numbers)


def width_of(column: bytes, entries: int) -> int | None:
    """The bytes of each of so many entries of a narrow column, 1 where it has none; None where it
    cannot have so many."""
    width = len(column) // entries if entries else 1
    return width if width in _CODES and len(column) == width * entries else None


def unpack_narrow(column: bytes, entries: int) -> tuple[int, ...]:
    """The numbers of a narrow column. Raises ``ValueError`` where it cannot have so many."""
    width = width_of(column, entries)
    if width is None:
        raise ValueError(f"{len(column)} bytes are no column of {entries} integers")
    return unpack(_CODES[width], column)
