"""Faust's Kafka transport, reading committed records only.

Stock Faust reads uncommitted records at at_least_once, and so sees aborted transactions. It hands
the isolation level to nobody, so the consumer's class is the place to set it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import aiokafka
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from shared.runtime.kafka_connections import closing


class ReadCommittedThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust is untyped for us
    """Makes the consumer that Faust would make, with another isolation level."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        closing(consumer._client)
        return consumer


class ReadCommittedConsumer(Consumer):  # type: ignore[misc]  # Faust is untyped for us
    """Uses the thread above."""

    def _new_consumer_thread(self) -> ReadCommittedThread:
        return ReadCommittedThread(self, loop=self.loop, beacon=self.beacon)


class ReadCommittedTransport(Transport):  # type: ignore[misc]  # Faust is untyped for us
    """Registered as ``bellwether://`` in the entry points ``faust.transports``."""

    Consumer: ClassVar[type[ReadCommittedConsumer]] = ReadCommittedConsumer
