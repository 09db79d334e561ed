"""Keeps the stores in step with the topics ``scores`` and ``breaches``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.scoring import metrics
from services.scoring.api.breach_store import BreachStore
from services.scoring.api.score_store import ScoreStore
from services.scoring.api.streams import Streams
from shared.contracts.scopes import ScopeError
from shared.contracts.topics import BREACHES, SCORES, Topic
from shared.runtime.kafka import ConsumerProgress, ensure_topics, make_consumer, started

log = structlog.get_logger("api.tail")

BROKER_PATIENCE: Final = 30.0
BATCH: Final = 2000


class NotCaughtUp(RuntimeError):
    """The topics have not been read to their end yet."""


class Tail:
    """Reads both topics from their beginning, in no group: every replica holds everything."""

    def __init__(
        self,
        bootstrap: str,
        *,
        partitions: int,
        replication: int,
        scores: ScoreStore,
        breaches: BreachStore,
        streams: Streams,
        topics: tuple[Topic, Topic] = (SCORES, BREACHES),
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._replication = replication
        self._scores = scores
        self._breaches = breaches
        self._streams = streams
        self._score_topic, self._breach_topic = topics
        self._progress: ConsumerProgress | None = None
        self.caught_up = False

    async def check_ready(self) -> None:
        """Readiness: everything that was there at the start has been read once."""
        if not self.caught_up:
            raise NotCaughtUp("reading scores and breaches")

    async def check_progress(self) -> None:
        """Liveness: raises when records wait and are not read."""
        if self._progress is not None:
            await self._progress.check()

    async def run(self) -> None:
        """Until cancelled; raises KafkaError when the broker stays away."""
        topics = [self._score_topic, self._breach_topic]
        await ensure_topics(self._bootstrap, topics, self._partitions, self._replication)
        consumer = await started(
            lambda: make_consumer(
                bootstrap=self._bootstrap, group_id=None, fetch_max_wait_ms=100, fetch_min_bytes=1
            ),
            patience=BROKER_PATIENCE,
        )
        self._progress = ConsumerProgress(consumer)
        try:
            await self._follow(consumer)
        finally:
            self._progress = None
            await consumer.stop()

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        assigned = [
            TopicPartition(topic.name, partition)
            for topic in (self._score_topic, self._breach_topic)
            for partition in range(topic.partitions or self._partitions)
        ]
        consumer.assign(assigned)
        await consumer.seek_to_beginning(*assigned)
        ends = await consumer.end_offsets(assigned)
        while True:
            batches = await consumer.getmany(timeout_ms=500, max_records=BATCH)
            for partition, messages in batches.items():
                self._take(partition.topic, messages)
            metrics.API_RECORDS.set(len(self._scores))
            if not self.caught_up:
                self.caught_up = await _reached(consumer, ends)
            await asyncio.sleep(0)

    def _take(self, topic: str, messages: list[Any]) -> None:
        take: Callable[[Any], None] = (
            self._take_score if topic == self._score_topic.name else self._take_breach
        )
        for message in messages:
            try:
                take(message)
            except (msgspec.MsgspecError, ScopeError, KeyError) as error:
                log.warning("record_refused", topic=topic, offset=message.offset, error=str(error))
        metrics.API_APPLIED.labels(topic).inc(len(messages))

    def _take_score(self, message: Any) -> None:
        entry = self._scores.apply(message.key.decode(), message.value)
        if entry is not None and self.caught_up:
            self._streams.score(entry)

    def _take_breach(self, message: Any) -> None:
        breach = self._breaches.apply(message.value)
        if self.caught_up:
            self._streams.breach(breach, message.value)


async def _reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return False
    return True
