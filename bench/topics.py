"""Topics of a run: creating them, filling them, reading results back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.streams.common import PARTITIONS

_FOREVER: Final = {"retention.ms": "-1", "max.message.bytes": str(4 << 20)}
"""Records carry event times: a broker would delete those of an old file at once."""

_SILENCE_SECONDS: Final = 30.0
_LEADER_SECONDS: Final = 30.0
_NO_LEADER: Final = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)

Message = tuple[str, int, bytes, bytes, int]
"""Topic, partition, key, value, time in ms."""


class DeliveryError(RuntimeError):
    """Records were refused."""


def create(bootstrap: str, names: Sequence[str]) -> None:
    """Create topics and wait until they are there."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = [NewTopic(name, PARTITIONS, 1, config=_FOREVER) for name in names]
    for made in admin.create_topics(wanted).values():
        made.result(30)


def fill(bootstrap: str, messages: Iterable[Message]) -> int:
    """Produce in order; returns how many. Raises `DeliveryError` also when not all of them are
    there afterwards: whoever waits for the last event would wait for ever."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 50,
            "batch.size": 512 << 10,
            "queue.buffering.max.messages": 200_000,
            "log_level": 3,  # what it retries is no news
        }
    )
    failures: list[str] = []

    def delivered(error: Any, _: Any) -> None:
        if error is not None:
            failures.append(str(error))

    count = 0
    before: dict[str, int] = {}
    for topic, partition, key, value, time_ms in messages:
        count += 1
        if topic not in before:
            before[topic] = _stored(bootstrap, topic)
        while True:
            try:
                producer.produce(
                    topic,
                    value,
                    key,
                    partition=partition,
                    on_delivery=delivered,
                    timestamp=time_ms,
                )
                break
            except BufferError:
                producer.poll(0.1)
        if count % 5000 == 0:
            producer.poll(0)
    left = producer.flush(120)
    if failures or left:
        raise DeliveryError(f"{len(failures)} refused, {left} not sent: {failures[:1]}")
    stored = sum(_stored(bootstrap, topic) - held for topic, held in before.items())
    if stored != count:
        raise DeliveryError(f"{stored} of {count} records are there, though none was refused")
    return count


def _stored(bootstrap: str, topic: str) -> int:
    """How many records a topic was ever given."""
    return sum(_ends(bootstrap, topic).values())


def read(bootstrap: str, topic: str) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Partition, key and value of every committed record up to the present end.

    A commit is answered before its markers are written: the end is therefore asked for without
    regard to transactions, and readers wait until everything before it is decided.
    """
    ends = _ends(bootstrap, topic)
    consumer = _reader(bootstrap, topic, "read_committed")
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
        yield from _until(consumer, ends)
    finally:
        consumer.close()


def _reader(bootstrap: str, topic: str, isolation: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"bench-read-{topic}",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 5,
        }
    )


def _ends(bootstrap: str, topic: str) -> dict[int, int]:
    consumer = _reader(bootstrap, topic, "read_uncommitted")
    try:
        known = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        return {partition: _end(consumer, TopicPartition(topic, partition)) for partition in known}
    finally:
        consumer.close()


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    """Waits while the broker does not lead the partition yet: its topic is a moment old."""
    deadline = time.monotonic() + _LEADER_SECONDS
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, 30)[1])
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _until(
    consumer: Consumer, ends: dict[int, int]
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    waiting = dict(ends)
    heard = time.monotonic()
    while waiting:
        # `consume` waits for as many as it was asked for, and not only for some
        messages = consumer.consume(10_000, 0.2)
        if messages:
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENCE_SECONDS:
            raise TimeoutError(f"not read to its end: is a transaction open? {waiting}")
        for message in messages:
            error = message.error()
            if error is None:
                yield message.partition(), message.key(), message.value()
            elif error.name() != "_PARTITION_EOF":
                raise KafkaException(error)
            elif message.offset() >= waiting.get(message.partition(), 0):
                waiting.pop(message.partition(), None)
