"""Sends scores and breaches, and does not return before they are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from services.scoring import metrics
from services.scoring.core.evaluation import Outcome
from services.scoring.windows.topics import WindowsTopics
from shared.contracts.breaches import encode_breach
from shared.contracts.figures import encode_score

log = structlog.get_logger("windows.emitter")

RETRY_SECONDS: Final = 1.0

Message = tuple[str, bytes, bytes]


class Emitter:
    """Owns a producer that ``make_producer`` builds anew after a failure.

    Sending the same records again is harmless: a breach has an id, a score record is absolute.
    """

    def __init__(
        self, make_producer: Callable[[], Any], now_ms: Callable[[], int], topics: WindowsTopics
    ) -> None:
        self._topics = topics
        self._make_producer = make_producer
        self._now_ms = now_ms
        self._producer: Any = None

    async def send(self, outcome: Outcome) -> None:
        """Store everything, breaches before scores; waits as long as the broker is away."""
        breaches, scores = self._topics.breaches.name, self._topics.scores.name
        await self._send_all(
            [(breaches, breach.key.encode(), encode_breach(breach)) for breach in outcome.breaches]
        )
        self._report(outcome)
        await self._send_all(
            [(scores, record.key.encode(), encode_score(record)) for record in outcome.scores]
        )

    async def close(self) -> None:
        """Let go of the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _send_all(self, messages: list[Message]) -> None:
        while messages:
            try:
                await self._try(messages)
            except (KafkaError, TimeoutError) as error:
                metrics.SEND_FAILURES.inc()
                log.warning("send_failed", records=len(messages), error=repr(error))
                await self.close()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _try(self, messages: list[Message]) -> None:
        if self._producer is None:
            producer = self._make_producer()
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        stored = [await self._producer.send(t, value, key) for t, key, value in messages]
        await asyncio.gather(*stored)

    def _report(self, outcome: Outcome) -> None:
        metrics.SCORES_SENT.inc(len(outcome.scores))
        now = self._now_ms()
        for breach in outcome.breaches:
            metrics.BREACHES_SENT.labels(breach.transition).inc()
            if breach.received_ms:
                metrics.EVENT_TO_BREACH.observe(max(0, now - breach.received_ms) / 1000)
            log.info(
                breach.transition,
                target=breach.target,
                scope=breach.scope,
                window=breach.window,
                value=breach.value,
                n=breach.n,
            )
