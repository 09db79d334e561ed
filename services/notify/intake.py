"""Reads `breaches` and turns each record into an alert's transition.

A record is acknowledged to Kafka some time after its transaction; one that comes again changes
nothing, because an alert is opened once per breach and resolved once.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.notify import metrics
from services.notify.alert_store import AlertStore
from services.notify.core.breach_check import UnusableBreach, check_breach
from shared.contracts.breaches import Breach, decode_breach
from shared.runtime.database import is_refusal

log = structlog.get_logger("intake")

RECORDS_PER_FETCH = 100
ACKNOWLEDGE_SECONDS = 1.0
"""The next record does not wait for an acknowledgement more often."""


class Intake:
    """``on_change`` is called after each transition is committed, and after a record that is
    repeated, for it may be one whose commit was not heard of. ``clock`` gives aware times."""

    def __init__(
        self,
        store: AlertStore,
        on_change: Callable[[], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._on_change = on_change
        self._clock = clock
        self._read: dict[TopicPartition, int] = {}
        self._to_acknowledge: dict[TopicPartition, int] = {}
        self._acknowledged = 0.0

    async def consume(self, consumer: AIOKafkaConsumer) -> None:
        """Until an error: one of Postgres or Kafka, after which it can be called anew."""
        self._to_acknowledge.clear()
        while True:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=RECORDS_PER_FETCH)
            for partition, records in fetched.items():
                await self._take(partition, records)
            await self._acknowledge(consumer)
            self._measure_lag(consumer)

    async def _take(self, partition: TopicPartition, records: list[Any]) -> None:
        for record in records:
            await self.handle(record.partition, record.offset, record.timestamp, record.value)
        self._read[partition] = self._to_acknowledge[partition] = records[-1].offset + 1

    async def _acknowledge(self, consumer: AIOKafkaConsumer) -> None:
        own = consumer.assignment()
        due = {place: read for place, read in self._to_acknowledge.items() if place in own}
        # What is another's by now must not be set back, should it return.
        self._to_acknowledge = due
        if due and time.monotonic() - self._acknowledged >= ACKNOWLEDGE_SECONDS:
            self._to_acknowledge = {}
            self._acknowledged = time.monotonic()
            await consumer.commit(due)

    async def handle(
        self, partition: int, offset: int, published_ms: int, value: bytes | None
    ) -> None:
        """One record. Raises only what a later attempt may cure."""
        try:
            breach = read_breach(value)
            seen = await self._store.apply(breach, published_ms, self._clock())
        except Exception as error:
            if not (isinstance(error, UnusableBreach) or is_refusal(error)):
                raise
            await self._refuse(partition, offset, str(error), value)
            return
        if seen is None:
            metrics.REPEATED.inc()
        else:
            log.info("alert", alert=seen.id, state=seen.state, target=seen.target, scope=seen.scope)
        self._on_change()

    async def _refuse(self, partition: int, offset: int, reason: str, value: bytes | None) -> None:
        metrics.REFUSED.inc()
        log.error("breach_refused", partition=partition, offset=offset, reason=reason)
        await self._store.refuse(partition, offset, reason.replace("\0", "�"), value or b"")

    def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        """Of partitions that something was read from since the start."""
        own = consumer.assignment()
        self._read = {place: read for place, read in self._read.items() if place in own}
        ends = {place: consumer.last_stable_offset(place) or 0 for place in self._read}
        metrics.LAG.set(sum(max(0, ends[place] - read) for place, read in self._read.items()))


def read_breach(value: bytes | None) -> Breach:
    """Raises `UnusableBreach`."""
    try:
        breach = decode_breach(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnusableBreach(str(error)) from error
    check_breach(breach)
    return breach
