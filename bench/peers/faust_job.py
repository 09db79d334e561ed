"""Plain Faust: two table updates an event, one for its id and one for its minute.

Its own windows are not used: they expire by the wall clock. At least once; ids are never
forgotten; the tables live in memory and are logged to changelog topics, the result among them.
Tuned: uvloop, linger, quiet loggers, no waiting for an empty buffer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import faust
import mode.loop

from bench.ours import report
from bench.ours.settings import VariantSettings, from_arguments
from shared.runtime.collector import calm_collector

MINUTE_MS: Final = 60_000
SETTLE_SECONDS: Final = 1.5


def app_of(settings: VariantSettings) -> faust.App:
    """The Faust app of *common*."""
    app = faust.App(
        settings.name,
        broker=f"kafka://{settings.bootstrap}",
        store="memory://",
        datadir=settings.directory,
        topic_partitions=settings.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        producer_linger=0.1,
        producer_max_batch_size=512 << 10,
        producer_compression_type="lz4",
        broker_max_poll_records=5_000,
        broker_commit_interval=0.5,
        broker_commit_every=1_000_000,
    )
    source = app.topic(settings.source, key_type=str, value_serializer="json", internal=False)
    ids: Any = app.Table("ids", partitions=settings.partitions)
    panes: Any = app.Table("panes", partitions=settings.partitions)

    @app.agent(source)  # type: ignore[untyped-decorator]  # Faust has no usable types
    async def count(stream: Any) -> None:
        events = 0
        async for event in stream:
            events += 1
            _book(event, ids, panes)
            if events % 1_000 == 0:
                report.progress(events)
            if events == settings.events:
                await asyncio.sleep(SETTLE_SECONDS)
                await asyncio.get_running_loop().run_in_executor(None, report.done, events)

    return app


def _book(event: dict[str, Any], ids: Any, panes: Any) -> None:
    if event["id"] in ids:
        return
    ids[event["id"]] = 1
    value, minute = event["value"], event["ts"] // MINUTE_MS * MINUTE_MS
    key = f"{event['employee']}|{event['channel']}|{event['indicator']}|{minute}"
    cell = panes.get(key)
    if cell is None:
        panes[key] = [1, value, value, value, event["good"]]
        return
    n, total, low, high, good = cell
    panes[key] = [n + 1, total + value, min(low, value), max(high, value), good + event["good"]]


if __name__ == "__main__":
    calm_collector()
    mode.loop.use("uvloop")
    given = from_arguments()
    for name in ("faust", "mode", "aiokafka", "faust.transport.drivers.aiokafka"):
        logging.getLogger(name).setLevel(logging.ERROR)
    worker = faust.Worker(app_of(given), loglevel="ERROR")
    worker.execute_from_commandline()
