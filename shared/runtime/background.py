"""Work that a service does beside its requests, for as long as it runs.

What an outage ends is begun again; what no retry can cure ends the process, in the open: it is
logged, the service stops being alive, and whoever supervises it decides.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from aiokafka.errors import KafkaError

from shared.runtime.database import backoff, is_transient

log = structlog.get_logger("background")

HEALTHY_SECONDS = 30.0


async def persistently(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs `work` again whenever Postgres or Kafka goes away under it; ends when it returns."""
    loop = asyncio.get_running_loop()
    pauses = backoff()
    while True:
        began = loop.time()
        try:
            await work()
        except Exception as error:
            if not _curable(error):
                raise
            log.warning("interrupted", work=name, error=repr(error))
        else:
            return
        if loop.time() - began > HEALTHY_SECONDS:
            pauses = backoff()
        await asyncio.sleep(next(pauses))


def _curable(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return all(_curable(part) for part in error.exceptions)
    return is_transient(error) or isinstance(error, KafkaError)


def end_process() -> None:
    """Ask this process to stop in the orderly way."""
    signal.raise_signal(signal.SIGTERM)


class Background:
    """An async context manager around `work`, which should never end by itself. `on_failure` is
    called when an error ends it."""

    def __init__(
        self, work: Callable[[], Awaitable[None]], on_failure: Callable[[], None] = end_process
    ) -> None:
        self._work = work
        self._on_failure = on_failure
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Background":
        self._task = asyncio.create_task(self._run(), name="background")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def check(self) -> None:
        """A liveness check: raises when the work has ended."""
        if self._task is None or self._task.done():
            raise RuntimeError("the background work has ended")

    async def _run(self) -> None:
        try:
            await self._work()
        except Exception:  # the last resort: nobody awaits this task before the service stops
            log.exception("background_work_failed")
            self._on_failure()
