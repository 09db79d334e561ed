"""The columnar engine on aiokafka: a transactional producer for each input partition."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import uvloop
from aiokafka import AIOKafkaProducer, TopicPartition

from bench.ours import report
from bench.ours.pane_engine import Flush, PaneEngine
from bench.ours.settings import VariantSettings, from_arguments
from shared.runtime.collector import calm_collector
from shared.runtime.kafka import make_consumer, make_producer

FLUSH_SECONDS: Final = 0.5
MAX_RECORDS: Final = 20_000


async def run(settings: VariantSettings) -> int:
    """Until every event of the source topic is stored; returns how many there were."""
    calm_collector()
    consumer = make_consumer(bootstrap=settings.bootstrap, group_id=None)
    await consumer.start()
    partitions = range(settings.partitions)
    consumer.assign([TopicPartition(settings.source, p) for p in partitions])
    rolling = settings.job == "rolling"
    engines = {p: PaneEngine(settings.lateness_ms, rolling) for p in partitions}
    stores = {p: await _open_store(settings, p) for p in partitions}
    events = 0
    flushed = time.monotonic()
    while events < settings.events:
        batches = await consumer.getmany(timeout_ms=100, max_records=MAX_RECORDS)
        for partition, messages in batches.items():
            values = [message.value for message in messages]
            engines[partition.partition].process(messages[-1].offset + 1, values)
        events = sum(engine.events for engine in engines.values())
        report.progress(events)
        if time.monotonic() - flushed >= FLUSH_SECONDS or events >= settings.events:
            await asyncio.gather(*(stores[p].store(engines[p].flush()) for p in partitions))
            flushed = time.monotonic()
    report.done(events)
    for store in stores.values():
        await store.producer.stop()
    await consumer.stop()
    return events


class _Store:
    """Stores flushes of one input partition, each in a transaction."""

    def __init__(self, producer: AIOKafkaProducer, settings: VariantSettings, p: int) -> None:
        self.producer = producer
        self._changelog = f"{settings.sink}-changelog"
        self._sink = settings.sink
        self._partition = p

    async def store(self, flush: Flush) -> None:
        """A commit reports no refusal of a single record, so every delivery is awaited."""
        await self.producer.begin_transaction()
        sent = [await self._send(self._changelog, flush.changelog)]
        sent += [await self._send(self._sink, result) for result in flush.results]
        await asyncio.gather(*sent)
        await self.producer.commit_transaction()

    async def _send(self, topic: str, value: bytes) -> asyncio.Future[object]:
        future: asyncio.Future[object] = await self.producer.send(
            topic, value, partition=self._partition
        )
        return future


async def _open_store(settings: VariantSettings, partition: int) -> _Store:
    producer = make_producer(
        settings.bootstrap,
        transactional_id=f"{settings.name}-{partition}",
        linger_ms=0,
        compression_type="zstd",  # aiokafka's lz4 is that of level 9: 70 MB/s
    )
    await producer.start()
    return _Store(producer, settings, partition)


if __name__ == "__main__":
    uvloop.run(run(from_arguments()))
