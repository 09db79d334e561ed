"""Gives freed memory back to the system."""

from __future__ import annotations

import asyncio
import ctypes
from typing import Final

EVERY_SECONDS: Final = 60.0


def give_back_freed() -> None:
    """glibc keeps what was freed below something that is in use: after a restore hundreds of
    megabytes of log, and of what is packed by the minute some. It takes less than a millisecond
    for each 100 MB. Where the C library is another one, nothing happens."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


async def keep_giving_back(every: float = EVERY_SECONDS) -> None:
    """Every so many seconds, without end."""
    while True:
        await asyncio.sleep(every)
        give_back_freed()
