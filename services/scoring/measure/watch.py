"""A stuck process ends itself, so whoever starts it again needs no probe to notice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from shared.runtime.kafka import Stuck

log = structlog.get_logger("measure")

WATCH_SECONDS: Final = 5.0


def end_process() -> None:
    """At once: whatever is stuck would hold up an orderly end too, and the state is stored."""
    os._exit(1)


async def end_when_stuck(
    check_live: Callable[[], Awaitable[None]],
    broker_answers: Callable[[], Awaitable[bool]],
    *,
    every: float = WATCH_SECONDS,
    end: Callable[[], None] = end_process,
) -> None:
    """Ask ``check_live`` every so many seconds, and ``end`` when it raises `Stuck`; not while the
    broker is away, for which a new process would have to wait as well."""
    while True:
        await asyncio.sleep(every)
        try:
            await check_live()
        except Stuck as error:
            if await broker_answers():
                log.critical("stuck", error=str(error))
                end()
                return
