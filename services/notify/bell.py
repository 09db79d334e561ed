"""Wakes loops that wait for work, at once in this process and soon in the others."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from shared.runtime.database import Database
from shared.runtime.postgres import connect

CHANNEL = "notify_alerts"
CHECK_SECONDS = 15.0


class Bell:
    """Whoever waits is woken; a ring while nobody waits is not lost."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Until the next ring, or for ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


async def listen(database: Database, schema: str, bells: Iterable[Bell], replica: str) -> None:
    """Ring when another than this ``replica`` changed something: this one has rung for that itself.
    Ends with an error when Postgres goes away."""
    connection = await connect(database.dsn, schema=schema)

    def ring() -> None:
        for bell in bells:
            bell.ring()

    def on_notification(_connection: Any, _pid: int, _channel: str, sender: Any) -> None:
        if sender != replica:
            ring()

    try:
        await connection.add_listener(CHANNEL, on_notification)
        ring()  # something may have changed while nobody listened
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await connection.execute("SELECT 1")
    finally:
        connection.terminate()
