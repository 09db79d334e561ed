"""What was freed is given back to the system."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from shared.runtime.memory import keep_giving_back
from tests.unit.runtime.waiting import until

PIECE = 1_000
"""Bytes: too large for Python's own arenas, so the C library has them."""
PIECES = 100_000


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_what_was_freed_below_something_in_use_is_given_back() -> None:
    pieces = [bytes(PIECE) for _ in range(PIECES)]
    in_use = pieces[::1000]
    full = resident_bytes()
    del pieces
    kept = resident_bytes()
    assert full - kept < PIECE * PIECES / 4, "this C library keeps nothing"
    giving = asyncio.create_task(keep_giving_back(0.01))
    try:
        await until(lambda: kept - resident_bytes() > PIECE * PIECES / 2)
    finally:
        giving.cancel()
        with suppress(asyncio.CancelledError):
            await giving
    assert all(len(piece) == PIECE for piece in in_use)
