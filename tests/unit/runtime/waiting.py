"""Waits for what another task, thread or process does."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], patience: float = 15.0) -> None:
    """Raises TimeoutError when it does not come to hold within `patience` seconds."""
    async with asyncio.timeout(patience):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event of ours
            await asyncio.sleep(0.01)
