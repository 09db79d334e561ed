"""The publisher on a producer in memory that can refuse, stall and break off."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from services.ingest.publisher import FEW, BrokerAway, Publisher
from shared.contracts.topics import TICKETS
from tests.unit.runtime.waiting import until


@dataclass(frozen=True)
class Item:
    key: bytes
    value: bytes
    topic: str = "tickets"


class Batch:
    """Takes at most 4 records."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = []

    def append(self, *, key: bytes, value: bytes, timestamp: None) -> object | None:
        if len(self.records) == 4:
            return None
        self.records.append((key, value))
        return self.records[-1]

    def close(self) -> None:
        pass


@dataclass
class Broker:
    """What producers reach. `refusing` and `stalling` are partitions."""

    away: bool = False
    refusing: set[int] = field(default_factory=set)
    stalling: set[int] = field(default_factory=set)
    logs: defaultdict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    producers: int = 0

    def producer(self) -> Any:
        return Producer(self)

    def store(self, partition: int, values: list[bytes]) -> "asyncio.Future[None]":
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if partition in self.refusing:
            answer.set_exception(KafkaTimeoutError())
        elif partition not in self.stalling:
            self.logs[partition] += values
            answer.set_result(None)
        return answer


class Producer:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._sender = self
        self.client = self
        self._closed = False

    async def start(self) -> None:
        if self._broker.away:
            raise KafkaConnectionError()
        self._broker.producers += 1

    async def close(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def fetch_all_metadata(self) -> None:
        pass

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0, 1, 2}

    async def send(self, _topic: str, value: bytes, key: bytes) -> "asyncio.Future[None]":
        return self._broker.store(partition_of(key), [value])

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(
        self, batch: Batch, _topic: str, *, partition: int
    ) -> "asyncio.Future[None]":
        assert all(partition_of(key) == partition for key, _ in batch.records)
        return self._broker.store(partition, [value for _, value in batch.records])


def partition_of(key: bytes) -> int:
    """murmur2 of these keys, as the Java client computes it."""
    return {b"T-1": 2, b"T-2": 0, b"T-7": 1}[key]


@asynccontextmanager
async def publishing(broker: Broker, patience: float = 5) -> AsyncIterator[Publisher]:
    async def prepare() -> None:
        pass

    publisher = Publisher(broker.producer, prepare, [TICKETS], patience)
    publisher.start()
    if not broker.away:
        await until(lambda: publisher.connected)
    yield publisher
    await publisher.stop()


def items(count: int) -> list[Item]:
    return [Item((b"T-1", b"T-2", b"T-7")[n % 3], b"%d" % n) for n in range(count)]


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 100])
async def test_every_record_is_stored_once_and_in_the_order_of_its_key(count: int) -> None:
    broker = Broker()
    async with publishing(broker) as publisher:
        assert await publisher.publish(items(count)) == [True] * count
    for partition, log in broker.logs.items():
        expected = [item.value for item in items(count) if partition_of(item.key) == partition]
        assert log == expected


@pytest.mark.parametrize("count", [6, 100])
@pytest.mark.parametrize("trouble", ["refusing", "stalling"])
async def test_what_one_partition_does_not_take_is_not_said_to_be_stored(
    count: int, trouble: str
) -> None:
    broker = Broker()
    setattr(broker, trouble, {1})
    async with publishing(broker, patience=0.1) as publisher:
        stored = await publisher.publish(items(count))
    assert stored == [item.key != b"T-7" for item in items(count)]
    said = {item.value for good, item in zip(stored, items(count), strict=True) if good}
    assert said == {value for log in broker.logs.values() for value in log}


async def test_without_a_broker_publishing_fails_at_once() -> None:
    async with publishing(Broker(away=True)) as publisher:
        with pytest.raises(BrokerAway):
            await publisher.publish(items(1))
        with pytest.raises(BrokerAway):
            await publisher.check()


async def test_the_connection_comes_by_itself_when_the_broker_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.ingest.publisher._PAUSE", 0.01)
    broker = Broker(away=True)
    async with publishing(broker) as publisher:
        await asyncio.sleep(0.05)
        broker.away = False
        await until(lambda: publisher.connected)
        assert await publisher.publish(items(3)) == [True] * 3
        await publisher.check()


async def test_a_producer_that_failed_is_replaced_by_a_new_one() -> None:
    broker = Broker(refusing={0, 1, 2})
    async with publishing(broker) as publisher:
        assert await publisher.publish(items(3)) == [False] * 3
        broker.refusing.clear()
        await until(lambda: broker.producers == 2 and publisher.connected)
        assert await publisher.publish(items(3)) == [True] * 3


async def test_a_publisher_that_has_stopped_is_not_alive() -> None:
    async with publishing(Broker()) as publisher:
        await publisher.alive()
    with pytest.raises(BrokerAway):
        await publisher.alive()
