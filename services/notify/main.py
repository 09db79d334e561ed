"""The composition root of notify: `python -m services.notify.main`."""

import asyncio
import random
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import ValidationError

from services.notify.alert_store import AlertStore
from services.notify.api import Parts, alerts_router, endpoints_router
from services.notify.bell import Bell, listen
from services.notify.dispatcher import Dispatcher
from services.notify.endpoint_store import EndpointStore
from services.notify.follower import HISTORY, Follower
from services.notify.intake import Intake
from services.notify.outbox import Outbox
from services.notify.sender import WebhookSender
from services.notify.settings import NotifySettings
from shared.contracts.topics import BREACHES, Topic
from shared.runtime.background import Background, end_process, persistently
from shared.runtime.database import Database, install_unavailable
from shared.runtime.http import create_app, serve
from shared.runtime.kafka import ConsumerProgress, ensure_topics, make_consumer, started
from shared.runtime.postgres import load_queries
from shared.runtime.sse import Broadcaster
from shared.runtime.telemetry import configure_logging

VERSION = "1.0.0"
SCHEMA = "notify"
GROUP = "notify"
HERE = Path(__file__).resolve().parent
BROKER_PATIENCE = 30.0
LEASE_MARGIN_SECONDS = 5.0
SESSION_MS = 6000  # a killed replica's partitions move on after this
FETCH_WAIT_MS = 50
"""aiokafka has one fetch under way, and a partition that was just read is not in it: a breach there
waits until that fetch ends, half a second by default."""


class Notify:
    """The parts of the service and how they hang together."""

    def __init__(self, settings: NotifySettings, topic: Topic = BREACHES, group: str = GROUP):
        self._settings = settings
        self._topic = topic
        self._group = group
        self._consumer: AIOKafkaConsumer | None = None
        self._progress: ConsumerProgress | None = None
        self.database = Database(
            settings.postgres_dsn.get_secret_value(), schema=SCHEMA, migrations=HERE / "migrations"
        )
        queries = load_queries(HERE / "queries")
        secret, key = settings.notify_webhook_secret, settings.notify_signing_key
        self._to_deliver, self._to_stream = Bell(), Bell()
        self._replica = secrets.token_hex(8)
        self.alerts = AlertStore(self.database, queries, settings.zone, self._replica)
        self.endpoints = EndpointStore(
            self.database,
            queries,
            settings_secret=secret.get_secret_value() if secret else None,
            signing_key=key.get_secret_value() if key else None,
        )
        self.sender = WebhookSender(
            allow_private=settings.notify_allow_private_targets,
            total_seconds=settings.notify_timeout_seconds,
        )
        self.broadcaster = Broadcaster("alerts", history=HISTORY)
        self.follower = Follower(self.alerts, self.broadcaster, self._to_stream)
        self._intake = Intake(self.alerts, self.on_change)
        lease = settings.notify_timeout_seconds + LEASE_MARGIN_SECONDS
        self._dispatcher = Dispatcher(
            Outbox(self.database, queries, lease),
            sender=self.sender,
            secret_of=self.endpoints.secret_of,
            policy=settings.retry,
            bell=self._to_deliver,
            chance=random.SystemRandom().random,
        )

    def on_change(self) -> None:
        self._to_deliver.ring()
        self._to_stream.ring()

    async def run(self) -> None:
        await self.database.open()
        await persistently("start", self._start)
        async with asyncio.TaskGroup() as loops:
            loops.create_task(persistently("intake", self._take_in))
            loops.create_task(persistently("dispatcher", self._dispatcher.run))
            loops.create_task(persistently("follower", self.follower.run))
            loops.create_task(persistently("listener", self._listen))

    async def check_kafka(self) -> None:
        if self._consumer is None:
            raise ConnectionError("no consumer yet")

    async def check_progress(self) -> None:
        if self._progress is not None:
            await self._progress.check()

    async def close(self) -> None:
        await self.sender.close()
        await self.database.close()

    async def _start(self) -> None:
        await self.endpoints.start(self._settings.notify_webhook_url, datetime.now(UTC))

    async def _listen(self) -> None:
        bells = (self._to_deliver, self._to_stream)
        await listen(self.database, SCHEMA, bells, self._replica)

    async def _take_in(self) -> None:
        settings, bootstrap = self._settings, self._settings.kafka_bootstrap_servers
        await ensure_topics(
            bootstrap, [self._topic], settings.partitions, settings.kafka_replication
        )
        consumer = await started(
            lambda: make_consumer(
                self._topic.name,
                bootstrap=bootstrap,
                group_id=self._group,
                session_timeout_ms=SESSION_MS,
                heartbeat_interval_ms=SESSION_MS // 3,
                fetch_max_wait_ms=FETCH_WAIT_MS,
            ),
            patience=BROKER_PATIENCE,
        )
        self._consumer, self._progress = consumer, ConsumerProgress(consumer)
        try:
            await self._intake.consume(consumer)
        finally:
            self._consumer = self._progress = None
            await consumer.stop()


def build_app(
    settings: NotifySettings, notify: Notify, on_failure: Callable[[], None] = end_process
) -> FastAPI:
    """``on_failure`` is called when the work beside the requests cannot go on."""
    background = Background(notify.run, on_failure)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            async with background:
                yield
        finally:
            await notify.close()

    app = create_app(
        title="Bellwether notify",
        service="notify",
        version=VERSION,
        lifespan=lifespan,
        readiness=[("postgres", notify.database.check), ("kafka", notify.check_kafka)],
        liveness=[("background", background.check), ("kafka", notify.check_progress)],
        description="Turns breaches into alerts and pushes them to webhooks and streams.",
    )
    parts = Parts(
        notify.alerts,
        notify.endpoints,
        notify.sender,
        notify.broadcaster,
        notify.follower.primed,
        notify.on_change,
    )
    app.include_router(alerts_router(parts))
    app.include_router(endpoints_router(parts))
    install_unavailable(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Content-Type", "If-None-Match", "Last-Event-ID", "X-Correlation-ID"],
        expose_headers=["ETag", "X-Correlation-ID"],
    )
    return app


def main() -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit status: 2 for wrong settings."""
    try:
        settings = NotifySettings()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            print("/".join(map(str, fault["loc"])), fault["msg"], file=sys.stderr)
        return 2
    configure_logging("notify", settings)
    serve(build_app(settings, Notify(settings)), settings.notify_host, settings.notify_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
