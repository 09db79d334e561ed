"""Publishes events to Kafka and says of each whether all in-sync replicas have it.

A producer whose delivery fails or does not end in time is given up for a new one: aiokafka can
stay stuck after a broker's restart, and an idempotent producer with a gap in its sequence never
recovers. Meanwhile publishing fails at once. What the old one still delivers is a duplicate of
what the client sends again, and is recognised as such by source and id.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from services.ingest import metrics
from shared.contracts.topics import Topic

log = structlog.get_logger("publisher")

FEW = 8
_PAUSE = 0.5
_CONNECT_SECONDS = 15.0
_CLOSE_SECONDS = 2.0
Place = tuple[str, int]
_partition_of = DefaultPartitioner()  # murmur2, as the Java client does it


class BrokerAway(Exception):
    """There is no connection to the broker now; nothing was published."""


class Record(Protocol):
    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> bytes: ...
    @property
    def value(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Connection:
    """A producer that works, and the partitions of the topics that it writes to."""

    producer: Any
    partitions: dict[str, list[int]]


class Publisher:
    """`make_producer` gives a producer that is not started; `prepare` makes the topics ready.

    `delivery_seconds` bounds how long `publish` takes.
    """

    def __init__(
        self,
        make_producer: Callable[[], Any],
        prepare: Callable[[], Awaitable[None]],
        topics: Iterable[Topic],
        delivery_seconds: float,
    ) -> None:
        self._make_producer = make_producer
        self._prepare = prepare
        self._topics = [topic.name for topic in topics]
        self._delivery_seconds = delivery_seconds
        self._connection: Connection | None = None
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep_connected(), name="publisher")

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._connection is not None:
            await _close(self._connection.producer)
            self._connection = None

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def check(self) -> None:
        """Readiness: raises when there is no connection or the broker does not answer."""
        if self._connection is None:
            raise BrokerAway("not connected")
        await self._connection.producer.client.fetch_all_metadata()

    async def alive(self) -> None:
        """Liveness: raises when nobody looks after the connection any more."""
        if self._keeper is None or self._keeper.done():
            raise BrokerAway("the keeper of the connection has ended")

    async def publish(self, records: Sequence[Record]) -> list[bool]:
        """Whether each record is stored. Records of one key keep their order.

        Raises `BrokerAway` when there is no connection.
        """
        connection = self._connection
        if connection is None:
            raise BrokerAway("no connection to the broker")
        started = time.perf_counter()
        sending = _Sending(connection, records)
        try:
            async with asyncio.timeout(self._delivery_seconds):
                await sending.run()
        except (KafkaError, TimeoutError) as error:
            log.warning("delivery_failed", error=repr(error), records=len(records))
            self._give_up(connection)
        metrics.DELIVERY.observe(time.perf_counter() - started)
        return list(sending.stored)

    def _give_up(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
            self._lost.set()

    async def _keep_connected(self) -> None:
        while True:
            self._lost.clear()
            connection = await self._connected()
            self._connection = connection
            metrics.BROKER_CONNECTED.set(1)
            log.info("broker_connected")
            await self._lost.wait()
            metrics.BROKER_CONNECTED.set(0)
            metrics.RECONNECTS.inc()
            log.warning("producer_given_up")
            await _abandon(connection.producer)

    async def _connected(self) -> Connection:
        said = ""
        while True:
            producer = self._make_producer()
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await self._start(producer)
            except Exception as error:  # whatever it is: the next try may work
                if repr(error) != said:  # once, not at every try
                    said = repr(error)
                    log.warning("broker_away", error=said)
                await _abandon(producer)
            except asyncio.CancelledError:
                await _abandon(producer)
                raise
            await asyncio.sleep(_PAUSE)

    async def _start(self, producer: Any) -> Connection:
        await self._prepare()
        await producer.start()
        partitions = {topic: sorted(await producer.partitions_for(topic)) for topic in self._topics}
        return Connection(producer, partitions)


class _Sending:
    """The records of one request on their way, and which of them arrived."""

    def __init__(self, connection: Connection, records: Sequence[Record]) -> None:
        self._producer = connection.producer
        self._partitions = connection.partitions
        self._records = records
        self._answers: list[asyncio.Future[Any]] = []
        self.stored = [False] * len(records)

    async def run(self) -> None:
        """Ends when the broker has answered all; raises a failure then, if there was one."""
        sent = await asyncio.gather(*self._ways(), return_exceptions=True)
        answered = await asyncio.gather(*self._answers, return_exceptions=True)
        for result in (*sent, *answered):
            if isinstance(result, BaseException):
                raise result

    def _ways(self) -> list[Coroutine[Any, Any, None]]:
        if len(self._records) <= FEW:
            return [self._send_singly()]
        groups = _by_partition(self._partitions, self._records)
        return [self._send_group(at, indexes) for at, indexes in groups.items()]

    async def _send_singly(self) -> None:
        """Records of many small requests share batches."""
        for index, record in enumerate(self._records):
            answer = await self._producer.send(record.topic, record.value, key=record.key)
            self._expect(answer, [index])

    async def _send_group(self, at: Place, indexes: Sequence[int]) -> None:
        """Ready-made batches cost a quarter of single sends."""
        topic, partition = at
        rest = list(indexes)
        while rest:
            batch, taken = _fill(self._producer.create_batch(), self._records, rest)
            answer = await self._producer.send_batch(batch, topic, partition=partition)
            self._expect(answer, rest[:taken])
            rest = rest[taken:]

    def _expect(self, answer: "asyncio.Future[Any]", indexes: Sequence[int]) -> None:
        def settle(done: "asyncio.Future[Any]") -> None:
            if not done.cancelled() and done.exception() is None:
                for index in indexes:
                    self.stored[index] = True

        answer.add_done_callback(settle)
        self._answers.append(answer)


def _fill(batch: Any, records: Sequence[Record], indexes: Sequence[int]) -> tuple[Any, int]:
    """The batch with as many of the records as fit, and how many those are."""
    for taken, index in enumerate(indexes):
        record = records[index]
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            return batch, taken
    batch.close()
    return batch, len(indexes)


def _by_partition(
    partitions: dict[str, list[int]], records: Sequence[Record]
) -> dict[Place, list[int]]:
    """Indexes of the records by topic and partition, in their order."""
    groups: dict[Place, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        known = partitions[record.topic]
        groups[record.topic, _partition_of(record.key, known, known)].append(index)
    return groups


async def _close(producer: Any) -> None:
    """Lets go of a producer that works; what is under way is delivered first."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.stop()
    except (TimeoutError, KafkaError):
        await _abandon(producer)


async def _abandon(producer: Any) -> None:
    """Ends a producer without waiting for what it could not deliver.

    aiokafka's `stop()` waits for just that; its sender is therefore ended by itself, after the
    connections, so that no request is waited for either.
    """
    producer._closed = True  # otherwise it warns when it is collected
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.client.close()
            await producer._sender.close()
    except Exception as error:  # it is of no use any more, whatever it says
        log.warning("producer_left_behind", error=repr(error))
