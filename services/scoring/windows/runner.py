"""Wires the windows role: `python -m services.scoring.main windows`."""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from services.scoring.rule_files import load_rules
from services.scoring.windows.app import GROUP, build_app, commit
from services.scoring.windows.emitter import Emitter
from services.scoring.windows.owner import Owner
from services.scoring.windows.topics import REGISTERED, WindowsTopics
from shared.runtime.collector import calm_collector
from shared.runtime.health_server import HealthServer
from shared.runtime.kafka import ensure_topics, make_producer
from shared.runtime.memory import keep_giving_back

DEFAULT_PORT: Final = 8022
LINGER_MS: Final = 5
COMMIT_SECONDS: Final = 5.0


class WindowsSettings(Protocol):
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
    def metrics_port(self) -> int | None: ...
    @property
    def scoring_host(self) -> str: ...


class StoppedByItself(RuntimeError):
    """Faust ended without being asked to."""


async def run(settings: WindowsSettings) -> None:
    """Until SIGINT or SIGTERM; raises when a part fails, to be started anew."""
    calm_collector()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopping.set)
    await evaluate(settings, stopping)


async def evaluate(
    settings: WindowsSettings,
    stopping: asyncio.Event,
    topics: WindowsTopics = REGISTERED,
    group: str = GROUP,
) -> None:
    """Keep the windows until ``stopping`` is set. Serves health and metrics meanwhile."""
    quiet_faust()
    bootstrap = settings.kafka_bootstrap_servers
    breaches = Emitter(lambda: make_producer(bootstrap, linger_ms=0), topics.breaches.name)
    scores = Emitter(lambda: make_producer(bootstrap, linger_ms=LINGER_MS), topics.scores.name)
    owner = Owner(
        bootstrap,
        settings.partitions,
        rules=load_rules(settings.rules),
        breaches=breaches,
        scores=scores,
        now_ms=wall_clock_ms,
        topics=topics,
    )
    port = DEFAULT_PORT if settings.metrics_port is None else settings.metrics_port
    async with HealthServer(
        settings.scoring_host,
        port,
        [("partitions", owner.check_ready), ("progress", owner.check_progress)],
        [("progress", owner.check_progress)],
        service="scoring-windows",
    ):
        await ensure_topics(
            bootstrap, list(topics), settings.partitions, settings.kafka_replication
        )
        try:
            async with _faust(bootstrap, owner, topics.panes.name, group) as app:
                await _until_stopped(app, owner, topics.panes.name, stopping)
        finally:
            await asyncio.gather(breaches.close(), scores.close())


def quiet_faust() -> None:
    """Raise the level of its loggers: their DEBUG records cost a tenth of a core. Its services log
    under the module of their class, which is ours for the transport."""
    for name in ("faust", "mode", "aiokafka", "services.scoring.windows.transport"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logging.WARNING, logger.level))


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def _faust(bootstrap: str, owner: Owner, topic: str, group: str) -> AsyncIterator[Any]:
    with tempfile.TemporaryDirectory(prefix="bellwether-windows-") as data_dir:
        app = build_app(bootstrap, owner, data_dir, topic=topic, group=group)
        app.finalize()
        await app.start()
        try:
            yield app
        finally:
            await app.stop()


async def _until_stopped(app: Any, owner: Owner, topic: str, stopping: asyncio.Event) -> None:
    tasks: list[asyncio.Future[Any]] = [
        asyncio.create_task(stopping.wait(), name="stopping"),
        asyncio.create_task(owner.keep_time(), name="time"),
        asyncio.create_task(owner.scores.keep_sending(), name="scores"),
        asyncio.create_task(owner.keep_trimmed(), name="trim"),
        asyncio.create_task(owner.keep_watch(), name="watch"),
        asyncio.create_task(_keep_committed(app, owner, topic), name="commit"),
        asyncio.create_task(keep_giving_back(), name="memory"),
        asyncio.create_task(_watch(app), name="faust"),
    ]
    try:
        done, _ = await asyncio.wait([*tasks, owner.failure], return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_committed(app: Any, owner: Owner, topic: str) -> None:
    while True:
        await asyncio.sleep(COMMIT_SECONDS)
        if positions := owner.positions():
            await commit(app, topic, positions)


async def _watch(app: Any) -> None:
    await app.wait_until_stopped()
    raise StoppedByItself("the stream processor ended by itself") from app.crash_reason
