"""Wires the measuring role: `python -m services.scoring.main measure`."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Final, Protocol

import structlog

from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.member import Measure
from services.scoring.rule_files import load_rules
from shared.contracts.topics import INPUTS, MEASURE_CHANGELOG, MEASUREMENTS, PANES, TOPICS, Topic
from shared.runtime.health_server import HealthServer
from shared.runtime.kafka import Stuck, broker_answers, ensure_topics

log = structlog.get_logger("measure")

DEFAULT_PORT: Final = 8021
WATCH_SECONDS: Final = 5.0


class MeasureSettings(Protocol):
    """The settings that this role reads."""

    @property
    def kafka_bootstrap_servers(self) -> str: ...
    @property
    def kafka_replication(self) -> int: ...
    @property
    def partitions(self) -> int: ...
    @property
    def rules(self) -> Path | None: ...
    @property
    def measure_session_seconds(self) -> float: ...
    @property
    def scoring_host(self) -> str: ...
    @property
    def metrics_port(self) -> int | None: ...


async def run(settings: MeasureSettings) -> None:
    """Until SIGINT or SIGTERM."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopping.set)
    bootstrap = settings.kafka_bootstrap_servers
    measure = Measure(
        bootstrap,
        settings.partitions,
        load_rules(settings.rules),
        FlushPolicy(),
        session_ms=round(settings.measure_session_seconds * 1000),
    )
    port = DEFAULT_PORT if settings.metrics_port is None else settings.metrics_port
    async with HealthServer(
        settings.scoring_host,
        port,
        [("partitions", measure.check_ready)],
        [("progress", measure.check_live)],
        service="scoring-measure",
    ):
        await ensure_topics(bootstrap, _topics(), settings.partitions, settings.kafka_replication)
        await _run_while_live(measure, stopping, bootstrap)


async def _run_while_live(measure: Measure, stopping: asyncio.Event, bootstrap: str) -> None:
    """A process that is stuck ends itself: whoever starts it again needs no probe to notice."""
    watch = asyncio.create_task(_watch(measure, bootstrap), name="watch")
    try:
        await measure.run(stopping)
    finally:
        watch.cancel()


async def _watch(measure: Measure, bootstrap: str) -> None:
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        try:
            await measure.check_live()
        except Stuck as error:
            if not await broker_answers(bootstrap):
                continue  # a new process would have to wait as well
            log.critical("stuck", error=str(error))
            # Whatever is stuck would hold up an orderly end too; the state is in the changelog.
            os._exit(1)


def _topics() -> list[Topic]:
    dead = [TOPICS[topic.dead_letters] for topic in INPUTS if topic.dead_letters]
    return [*INPUTS, *dead, MEASURE_CHANGELOG, PANES, MEASUREMENTS]
