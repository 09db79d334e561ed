"""Reads topics to their end, as a consumer that trusts only what is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.measurements import Measurement, MeasurementBatch
from shared.contracts.topics import Topic
from shared.runtime.kafka import make_admin, make_consumer

PATIENCE_SECONDS = 60.0


def committed_records(bootstrap: str, topic: Topic) -> Iterator[bytes]:
    """Every committed value of the topic; within a partition in order."""
    yield from asyncio.run(_read(bootstrap, topic.name, None))


def committed_by_partition(bootstrap: str, topic: Topic) -> dict[int, list[bytes]]:
    """Every committed value, by partition in order."""
    found: dict[int, list[bytes]] = {}
    for partition, value in asyncio.run(_read_pairs(bootstrap, topic.name, None)):
        found.setdefault(partition, []).append(value)
    return found


def rows_of(batch: MeasurementBatch) -> Iterable[Measurement]:
    """The measurements of a batch."""
    return batch.rows


def last_committed_records(bootstrap: str, topic: Topic, count: int) -> dict[int, bytes]:
    """The last committed value of each partition, looked for among its last ``count`` offsets."""
    return asyncio.run(_read_last(bootstrap, topic.name, count))


def end_offsets(bootstrap: str, topics: list[Topic]) -> dict[tuple[str, int], int]:
    """By topic and partition."""
    return asyncio.run(_ends(bootstrap, [topic.name for topic in topics]))


async def _ends(bootstrap: str, topics: list[str]) -> dict[tuple[str, int], int]:
    consumer = make_consumer(bootstrap=bootstrap, group_id=None, read_committed=False)
    try:
        await consumer.start()
        ends = await consumer.end_offsets(await _partitions(bootstrap, topics))
        return {(p.topic, p.partition): end for p, end in ends.items()}
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str, topics: list[str]) -> list[TopicPartition]:
    admin = make_admin(bootstrap)
    try:
        await admin.start()
        described = await admin.describe_topics(topics)
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]


async def _read_last(bootstrap: str, topic: str, count: int) -> dict[int, bytes]:
    records = await _read_pairs(bootstrap, topic, count)
    return dict(records)


async def _read(bootstrap: str, topic: str, last: int | None) -> list[bytes]:
    return [value for _, value in await _read_pairs(bootstrap, topic, last)]


async def _read_pairs(bootstrap: str, topic: str, last: int | None) -> list[tuple[int, bytes]]:
    consumer = make_consumer(bootstrap=bootstrap, group_id=None)
    try:
        await consumer.start()
        partitions = await _partitions(bootstrap, [topic])
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        for partition in partitions:
            start = 0 if last is None else ends[partition] - last
            consumer.seek(partition, max(begins[partition], start))
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await _read_to(consumer, ends)
    finally:
        await consumer.stop()


async def _read_to(
    consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]
) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    waiting = set(ends)
    while waiting:
        batches = await consumer.getmany(*waiting, timeout_ms=200)
        found += [
            (partition.partition, message.value)
            for partition, messages in batches.items()
            for message in messages
            if message.value is not None
        ]
        for partition in list(waiting):
            if await consumer.position(partition) >= ends[partition]:
                waiting.discard(partition)
    return found
