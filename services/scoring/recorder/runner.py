"""Wires the recorder: `python -m services.scoring.main recorder`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from pydantic import SecretStr

from services.scoring.recorder.recorder import Recorder
from services.scoring.recorder.store import MeasurementStore
from shared.contracts.topics import MEASUREMENTS, Topic
from shared.runtime.database import Database
from shared.runtime.health_server import HealthServer
from shared.runtime.kafka import ConsumerProgress, ensure_topics, make_consumer, started
from shared.runtime.postgres import load_queries

SCORING: Final = Path(__file__).resolve().parents[1]
SCHEMA: Final = "scoring"
GROUP: Final = "scoring-recorder"
DEFAULT_PORT: Final = 8023
BROKER_PATIENCE: Final = 60.0
SESSION_MS: Final = 6000
"""A killed recorder's partitions move on after this."""


class RecorderSettings(Protocol):
    """The settings that this role reads."""

    @property
    def kafka_bootstrap_servers(self) -> str: ...
    @property
    def kafka_replication(self) -> int: ...
    @property
    def partitions(self) -> int: ...
    @property
    def postgres_dsn(self) -> SecretStr: ...
    @property
    def metrics_port(self) -> int | None: ...
    @property
    def scoring_host(self) -> str: ...


async def run(settings: RecorderSettings) -> None:
    """Until SIGINT or SIGTERM."""
    task = asyncio.ensure_future(record(settings, MEASUREMENTS))
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


async def record(settings: RecorderSettings, topic: Topic, *, group: str = GROUP) -> None:
    """Copy ``topic`` until cancelled. Serves health and metrics meanwhile."""
    database = Database(
        settings.postgres_dsn.get_secret_value(),
        schema=SCHEMA,
        migrations=SCORING / "migrations",
        max_size=2,
    )
    store = MeasurementStore(database, topic.name, load_queries(SCORING / "queries"))
    checks = _Checks(database)
    port = DEFAULT_PORT if settings.metrics_port is None else settings.metrics_port
    async with HealthServer(
        settings.scoring_host,
        port,
        [("postgres", database.check), ("kafka", checks.ready)],
        [("kafka", checks.live)],
        service="scoring-recorder",
    ):
        try:
            await database.open()
            async with _recorder(settings, topic, group, store, checks) as recorder:
                await recorder.run()
        finally:
            await database.close()


class _Checks:
    """Health of parts that come into being while the health server already answers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.recorder: Recorder | None = None
        self.progress: ConsumerProgress | None = None

    async def ready(self) -> None:
        if self.recorder is None:
            raise RuntimeError("still starting")
        await self.recorder.check_assigned()

    async def live(self) -> None:
        """While Postgres is away nothing moves, and a restart would not help."""
        if self.progress is None or not await self._database_answers():
            return
        await self.progress.check()

    async def _database_answers(self) -> bool:
        try:
            await self._database.check()
        except Exception:  # readiness reports it; here it only excuses a standstill
            return False
        return True


@asynccontextmanager
async def _recorder(
    settings: RecorderSettings, topic: Topic, group: str, store: MeasurementStore, checks: _Checks
) -> AsyncIterator[Recorder]:
    bootstrap = settings.kafka_bootstrap_servers
    await ensure_topics(bootstrap, [topic], settings.partitions, settings.kafka_replication)
    consumer = await started(
        lambda: make_consumer(
            bootstrap=bootstrap,
            group_id=group,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=SESSION_MS // 3,
        ),
        patience=BROKER_PATIENCE,
    )
    try:
        recorder = Recorder(consumer, store, topic.name)
        recorder.subscribe()
        checks.recorder, checks.progress = recorder, ConsumerProgress(consumer)
        yield recorder
    finally:
        await consumer.stop()
