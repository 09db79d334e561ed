"""The limit: the bare client and the decoder of a job's events, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bellwether_native
import msgspec
import uvloop
from aiokafka import TopicPartition

from bench.ours import report
from bench.ours.settings import VariantSettings, from_arguments
from shared.contracts.decode import decode_event
from shared.contracts.topics import INPUTS
from shared.runtime.collector import calm_collector
from shared.runtime.kafka import make_consumer

Decode = Callable[[bytes], object]


def _decoder(settings: VariantSettings) -> Decode:
    from bench.ours.pane_engine import Event

    if settings.job != "full":
        return msgspec.json.Decoder(Event).decode
    return decode_event if settings.decoder == "contract" else bellwether_native.parse_event


def _sources(settings: VariantSettings) -> Sequence[str]:
    return [topic.name for topic in INPUTS] if settings.job == "full" else [settings.source]


async def run_aiokafka(settings: VariantSettings) -> None:
    """Until every event was decoded."""
    decode = _decoder(settings)
    consumer = make_consumer(bootstrap=settings.bootstrap, group_id=None)
    await consumer.start()
    consumer.assign(
        [
            TopicPartition(source, partition)
            for source in _sources(settings)
            for partition in range(settings.partitions)
        ]
    )
    events = 0
    while events < settings.events:
        batches = await consumer.getmany(timeout_ms=100, max_records=20_000)
        for messages in batches.values():
            for message in messages:
                decode(message.value)
            events += len(messages)
        report.progress(events)
    report.done(events)
    await consumer.stop()


def run_confluent(settings: VariantSettings) -> None:
    """Until every event was decoded."""
    from bench.ours.on_confluent import assign_all, make_consumer

    decode = _decoder(settings)
    consumer = make_consumer(settings)
    assign_all(consumer, settings, *_sources(settings))
    events = 0
    while events < settings.events:
        messages = consumer.consume(10_000, 0.1)
        for message in messages:
            decode(message.value())
        events += len(messages)
        report.progress(events)
    report.done(events)
    consumer.close()


if __name__ == "__main__":
    calm_collector()
    given = from_arguments()
    if given.client == "confluent":
        run_confluent(given)
    else:
        uvloop.run(run_aiokafka(given))
