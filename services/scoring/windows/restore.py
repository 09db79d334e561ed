"""Reading a topic from its beginning to its present end, in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.breaches import Breach, decode_breach
from shared.contracts.scopes import Scope
from shared.contracts.topics import partition_of
from shared.runtime.kafka import make_consumer

BATCH: Final = 500
SILENCE_SECONDS: Final = 30.0

Take = Callable[[int, Sequence[Any]], None]
"""Is given a partition and some of its records, in order."""


class RestoreError(RuntimeError):
    """A topic could not be read to its end."""


async def read_to_end(
    bootstrap: str, topic: str, partitions: Sequence[int] | None, take: Take
) -> dict[int, int]:
    """Hand all committed records to ``take``; None means every partition of the topic.

    Returns the offset after the last record by partition: whoever reads on from there misses
    nothing. Raises `RestoreError` when nothing comes for too long, or KafkaError.
    """
    consumer = make_consumer(bootstrap=bootstrap, group_id=None, fetch_max_wait_ms=100)
    try:
        await consumer.start()
        wanted = await _assign(consumer, topic, partitions)
        ends = await consumer.end_offsets(wanted)
        await _read(consumer, {tp: end for tp, end in ends.items() if end > 0}, take)
        return {tp.partition: end for tp, end in ends.items()}
    finally:
        await consumer.stop()


async def _assign(
    consumer: AIOKafkaConsumer, topic: str, partitions: Sequence[int] | None
) -> list[TopicPartition]:
    if partitions is None:
        await consumer._client._wait_on_metadata(topic)
        partitions = sorted(consumer.partitions_for_topic(topic) or ())
    wanted = [TopicPartition(topic, partition) for partition in partitions]
    consumer.assign(wanted)
    await consumer.seek_to_beginning(*wanted)
    return wanted


async def _read(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], take: Take) -> None:
    clock = asyncio.get_running_loop().time
    heard = clock()
    reached = 0
    while True:
        positions = [await consumer.position(tp) for tp in ends]
        if all(p >= end for p, end in zip(positions, ends.values(), strict=True)):
            return
        if sum(positions) > reached:
            reached, heard = sum(positions), clock()
        elif clock() - heard > SILENCE_SECONDS:
            raise RestoreError(f"reading stands at {positions} of {list(ends.values())}")
        batches = await consumer.getmany(*ends, timeout_ms=200, max_records=BATCH)
        for tp, messages in batches.items():
            take(tp.partition, messages)


class BreachHistory:
    """Reads the transitions of the past; only breaches that go on are remembered."""

    def __init__(self) -> None:
        self._active: dict[str, Breach] = {}

    def take(self, _partition: int, messages: Sequence[Any]) -> None:
        """Records of ``breaches``, in order within their partition."""
        for message in messages:
            record = decode_breach(message.value)
            if record.transition == "breached":
                self._active[record.key] = record
            else:
                self._active.pop(record.key, None)

    def of_partition(self, partition: int, partitions: int) -> list[Breach]:
        """Those of the scopes whose panes lie in one partition."""
        return [
            record
            for record in self._active.values()
            if partition_of(Scope.parse(record.scope).group, partitions) == partition
        ]
