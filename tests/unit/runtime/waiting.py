"""Waits for what another task, thread or process does."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], bool], patience: float = 15.0) -> None:
    """Raises TimeoutError when it does not come to hold within `patience` seconds."""

    async def ask() -> bool:
        return holds()

    await eventually(ask, patience, pause=0.01)


async def eventually(
    holds: Callable[[], Awaitable[bool]], patience: float = 15.0, pause: float = 0.05
) -> None:
    """As `until`, for what has to be asked for."""
    async with asyncio.timeout(patience):
        while not await holds():  # noqa: ASYNC110 - what is waited for sets no event of ours
            await asyncio.sleep(pause)
