"""Columns of records: arrays of little-endian integers, an entry a row."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def pack(code: str, numbers: Sequence[int]) -> bytes:
    """The column of some numbers; ``code`` is a format character of `struct`. Raises
    ``struct.error`` when a number does not fit."""
    return struct.pack(f"<{len(numbers)}{code}", *numbers)


def unpack(code: str, column: bytes) -> tuple[int, ...]:
    """The inverse. Raises ``struct.error`` when the column ends inside a number."""
    return struct.unpack(f"<{len(column) // struct.calcsize(code)}{code}", column)
