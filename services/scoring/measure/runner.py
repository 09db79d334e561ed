"""Wires the measuring role: `python -m services.scoring.main measure`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Final, Protocol

from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.member import Measure
from services.scoring.measure.scratch_files import MEGABYTE, ScratchFiles
from services.scoring.measure.watch import end_when_stuck
from services.scoring.rule_files import load_rules
from shared.contracts.topics import INPUTS, MEASURE_CHANGELOG, MEASUREMENTS, PANES, TOPICS, Topic
from shared.runtime.collector import calm_collector
from shared.runtime.health_server import HealthServer
from shared.runtime.kafka import broker_answers, ensure_topics
from shared.runtime.memory import keep_giving_back

DEFAULT_PORT: Final = 8021


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
    def instance(self) -> str | None: ...
    @property
    def measure_session_seconds(self) -> float: ...
    @property
    def measure_tickets_mb(self) -> float: ...
    @property
    def measure_folder(self) -> Path: ...
    @property
    def scoring_host(self) -> str: ...
    @property
    def metrics_port(self) -> int | None: ...


async def run(settings: MeasureSettings) -> None:
    """Until SIGINT or SIGTERM."""
    calm_collector()
    scratch_files = ScratchFiles(
        settings.measure_folder, round(settings.measure_tickets_mb * MEGABYTE)
    )
    scratch_files.check()
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
        instance=settings.instance,
        session_ms=round(settings.measure_session_seconds * 1000),
        scratch_files=scratch_files,
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
    watching = end_when_stuck(measure.check_live, lambda: broker_answers(bootstrap))
    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(watching, name="watch"),
            group.create_task(keep_giving_back(), name="memory"),
        ]
        await measure.run(stopping)
        for task in beside:
            task.cancel()


def _topics() -> list[Topic]:
    dead = [TOPICS[topic.dead_letters] for topic in INPUTS if topic.dead_letters]
    return [*INPUTS, *dead, MEASURE_CHANGELOG, PANES, MEASUREMENTS]
