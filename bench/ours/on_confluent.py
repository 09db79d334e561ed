"""The columnar engine on confluent-kafka: one transactional producer for all input partitions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from bench.ours import report
from bench.ours.pane_engine import PaneEngine
from bench.ours.settings import VariantSettings, from_arguments
from shared.runtime.collector import calm_collector

FLUSH_SECONDS: Final = 0.5
MAX_RECORDS: Final = 10_000


class _Failures:
    """Refused records; a transaction with one is not committed."""

    def __init__(self) -> None:
        self.first: KafkaError | None = None

    def delivered(self, error: KafkaError | None, _: Message) -> None:
        self.first = self.first or error


def run(settings: VariantSettings) -> int:
    """Until every event of the source topic is stored; returns how many there were."""
    calm_collector()
    consumer = make_consumer(settings)
    producer = _producer(settings)
    rolling = settings.job == "rolling"
    engines = {
        p: PaneEngine(settings.lateness_ms, rolling)
        for p in assign_all(consumer, settings, settings.source)
    }
    events = 0
    flushed = time.monotonic()
    while events < settings.events:
        messages = consumer.consume(MAX_RECORDS, 0.1)
        for partition, part in by_partition(messages).items():
            position = part[-1].offset() + 1
            engines[partition].process(position, [message.value() for message in part])
        events = sum(engine.events for engine in engines.values())
        report.progress(events)
        if time.monotonic() - flushed >= FLUSH_SECONDS or events >= settings.events:
            _store(producer, settings.sink, engines)
            flushed = time.monotonic()
    report.done(events)
    consumer.close()
    return events


def make_consumer(settings: VariantSettings) -> Consumer:
    """A consumer with the one setting without which it stalls (docs/benchmarks.md)."""
    return Consumer(
        {
            "bootstrap.servers": settings.bootstrap,
            "group.id": settings.name,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "fetch.queue.backoff.ms": 5,
            "fetch.message.max.bytes": 4 << 20,
        }
    )


def assign_all(consumer: Consumer, settings: VariantSettings, *sources: str) -> range:
    """Take every partition of the source topics from their beginning."""
    partitions = range(settings.partitions)
    consumer.assign([TopicPartition(s, p, 0) for s in sources for p in partitions])
    return partitions


def by_partition(messages: Sequence[Message]) -> Mapping[int, list[Message]]:
    """Messages by partition, in order. Raises the error that a message may stand for."""
    parts: dict[int, list[Message]] = {}
    for message in messages:
        error: Any = message.error()
        if error is not None:
            raise KafkaException(error)
        partition = message.partition()
        if partition in parts:
            parts[partition].append(message)
        else:
            parts[partition] = [message]
    return parts


def _producer(settings: VariantSettings) -> Producer:
    producer = Producer(
        {
            "bootstrap.servers": settings.bootstrap,
            "transactional.id": settings.name,
            "retry.backoff.ms": 5,  # by default a commit waits for 100 ms
            "compression.type": "lz4",
            "linger.ms": 0,
            "batch.size": 512 << 10,
            "message.max.bytes": 4 << 20,
        }
    )
    producer.init_transactions(30)
    return producer


def _store(producer: Producer, sink: str, engines: Mapping[int, PaneEngine]) -> None:
    failures = _Failures()
    producer.begin_transaction()
    for partition, engine in engines.items():
        flush = engine.flush()
        producer.produce(
            f"{sink}-changelog", flush.changelog, partition=partition, callback=failures.delivered
        )
        for result in flush.results:
            producer.produce(sink, result, partition=partition, callback=failures.delivered)
    producer.flush(30)
    if failures.first is not None:
        raise KafkaException(failures.first)
    producer.commit_transaction(30)


if __name__ == "__main__":
    run(from_arguments())
