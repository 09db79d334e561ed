"""Sends records to one topic, and does not return before they are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import structlog
from aiokafka.errors import KafkaError

from services.scoring import metrics

log = structlog.get_logger("windows.emitter")

RETRY_SECONDS: Final = 1.0


class Message(NamedTuple):
    """Key and value of a record."""

    key: bytes
    value: bytes


class Emitter:
    """Owns a producer that ``make_producer`` builds anew after a failure.

    Sending the same records again is harmless: a breach has an id, a score record is absolute.
    """

    def __init__(self, make_producer: Callable[[], Any], topic: str) -> None:
        self._make_producer = make_producer
        self._topic = topic
        self._producer: Any = None

    async def send(self, messages: Sequence[Message]) -> None:
        """Store everything; waits as long as the broker is away."""
        while messages:
            try:
                await self._try(messages)
            except (KafkaError, TimeoutError) as error:
                metrics.SEND_FAILURES.inc()
                log.warning(
                    "send_failed", topic=self._topic, records=len(messages), error=repr(error)
                )
                await self.close()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def close(self) -> None:
        """Let go of the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _try(self, messages: Sequence[Message]) -> None:
        if self._producer is None:
            producer = self._make_producer()
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        stored = [await self._producer.send(self._topic, value, key) for key, value in messages]
        await asyncio.gather(*stored)
