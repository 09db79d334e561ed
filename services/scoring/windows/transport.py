"""Faust's Kafka transport, reading committed records only, and carrying them by the batch.

Stock Faust reads uncommitted records at at_least_once, and so sees aborted transactions. It hands
the isolation level to nobody, so the consumer's class is the place to set it.

It also makes two tasks for each record and waits for them: a few hundred records a second that
come while the event loop is busy wait for seconds. So a message is all records of a partition that
were fetched together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import aiokafka
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP, ConsumerMessage

from shared.runtime.kafka_connections import closing


class ReadCommittedThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust is untyped for us
    """Makes the consumer that Faust would make, with another isolation level."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        closing(consumer._client)
        return consumer


class ByBatch(DefaultSchedulingStrategy):  # type: ignore[misc]  # Faust is untyped for us
    """Delivers the records of a partition together, where the default delivers one by one."""

    def iterate(self, records: Mapping[TP, Sequence[Any]]) -> Iterator[tuple[TP, Sequence[Any]]]:
        """Partitions, and what was fetched of each."""
        return ((partition, batch) for partition, batch in records.items() if batch)


class ReadCommittedConsumer(Consumer):  # type: ignore[misc]  # Faust is untyped for us
    """Uses the thread above, under the scheduler above."""

    def _new_consumer_thread(self) -> ReadCommittedThread:
        return ReadCommittedThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, batch: Sequence[Any]) -> ConsumerMessage:
        """The message of a batch: its last record's, with all of them as its value."""
        message = super()._to_message(tp, batch[-1])
        message.value = batch
        return message


class ReadCommittedTransport(Transport):  # type: ignore[misc]  # Faust is untyped for us
    """Registered as ``bellwether://`` in the entry points ``faust.transports``."""

    Consumer: ClassVar[type[ReadCommittedConsumer]] = ReadCommittedConsumer
