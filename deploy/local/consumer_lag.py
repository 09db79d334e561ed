"""How far consumer groups are behind, asked of the broker."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""


@dataclass(frozen=True)
class Lag:
    """Records of one topic that one group has not committed yet, over all partitions."""

    group: str
    topic: str
    records: int


def read_lag(bootstrap_servers: str, timeout: float = 10.0) -> list[Lag]:
    """Return the lag of every group. Raises KafkaError, OSError or TimeoutError."""
    return asyncio.run(asyncio.wait_for(_read(bootstrap_servers), timeout))


async def _read(bootstrap_servers: str) -> list[Lag]:
    from aiokafka import TopicPartition

    from shared.runtime.kafka import make_admin, make_consumer

    admin = make_admin(bootstrap_servers)
    consumer = make_consumer(bootstrap=bootstrap_servers, group_id=None, read_committed=False)
    try:
        await admin.start()
        await consumer.start()
        lags: list[Lag] = []
        for group, _protocol in await admin.list_consumer_groups():
            found = await admin.list_consumer_group_offsets(group)
            committed = {TopicPartition(p.topic, p.partition): m.offset for p, m in found.items()}
            ends = await consumer.end_offsets(list(committed))
            lags.extend(sum_lag(group, committed, ends))
        return lags
    finally:
        await consumer.stop()
        await admin.close()


def sum_lag(
    group: str, committed: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> list[Lag]:
    """Add up partitions by topic; a partition without a committed offset (-1) counts from 0."""
    behind: dict[str, int] = {}
    for partition, end in ends.items():
        missing = max(0, end - max(0, committed[partition]))
        behind[partition[0]] = behind.get(partition[0], 0) + missing
    return [Lag(group, topic, records) for topic, records in sorted(behind.items())]
