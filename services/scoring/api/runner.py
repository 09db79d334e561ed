"""Wires the read API: `python -m services.scoring.main api`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.scoring.api.breach_store import BreachStore
from services.scoring.api.console import install_console
from services.scoring.api.known_questions import KnownQuestions, ShortWay
from services.scoring.api.routes import (
    Parts,
    console_router,
    figures_router,
    periods_router,
    rules_router,
)
from services.scoring.api.score_store import ScoreStore
from services.scoring.api.streams import Streams
from services.scoring.api.tail import Tail
from services.scoring.rule_files import load_rules
from services.scoring.settings import ScoringSettings
from shared.contracts.topics import BREACHES, SCORES, Topic
from shared.runtime.background import Background, end_process, persistently
from shared.runtime.database import Database, install_unavailable
from shared.runtime.http import create_app, serve
from shared.runtime.postgres import load_queries

VERSION: Final = "1.0.0"
SCORING: Final = Path(__file__).resolve().parents[1]
SCHEMA: Final = "scoring"
POOL_SIZE: Final = 4
CLOCK_SECONDS: Final = 1.0


def run(settings: ScoringSettings) -> None:
    """Serve until SIGINT or SIGTERM."""
    serve(build_app(settings), settings.scoring_host, settings.scoring_port)


class ReadApi:
    """The parts of the role, and its work beside requests."""

    def __init__(self, settings: ScoringSettings, topics: tuple[Topic, Topic]) -> None:
        boot_us = time.time_ns() // 1000
        self.streams = Streams(boot_us)
        self.scores = ScoreStore()
        self.breaches = BreachStore()
        self.database = Database(
            settings.postgres_dsn.get_secret_value(),
            schema=SCHEMA,
            migrations=SCORING / "migrations",
            max_size=POOL_SIZE,
        )
        self.tail = Tail(
            settings.kafka_bootstrap_servers,
            partitions=settings.partitions,
            replication=settings.kafka_replication,
            scores=self.scores,
            breaches=self.breaches,
            streams=self.streams,
            topics=topics,
        )
        self.parts = Parts(
            self.scores,
            self.breaches,
            self.streams,
            load_rules(settings.rules),
            self.database,
            load_queries(SCORING / "queries"),
            wall_clock_ms,
            f"{boot_us:x}",
        )

    async def work(self) -> None:
        """Follow the topics, tell the time, reach the database."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(persistently("tail", self.tail.run))
            loops.create_task(self._tell_time())
            loops.create_task(self._open_database())

    async def _open_database(self) -> None:
        await self.database.open()

    async def _tell_time(self) -> None:
        told = 0
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            if self.scores.stream_ms != told:
                told = self.scores.stream_ms
                self.streams.clock(told, wall_clock_ms())


def build_app(
    settings: ScoringSettings,
    topics: tuple[Topic, Topic] = (SCORES, BREACHES),
    on_failure: Callable[[], None] = end_process,
) -> FastAPI:
    """The whole app; figures are served without Postgres, period results need it. ``on_failure``
    is called when the work beside the requests cannot go on."""
    api = ReadApi(settings, topics)
    background = Background(api.work, on_failure)
    known = KnownQuestions()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            async with background:
                yield
        finally:
            await api.database.close()

    app = create_app(
        title="Bellwether scoring",
        service="scoring-api",
        version=VERSION,
        lifespan=lifespan,
        readiness=[("kafka", api.tail.check_ready)],
        liveness=[("background", background.check), ("kafka", api.tail.check_progress)],
        description="Figures, verdicts and breaches, as they are and as they change.",
        inner=[Middleware(ShortWay, known=known)],
    )
    for router in (
        figures_router(api.parts, known),
        rules_router(api.parts),
        periods_router(api.parts),
        console_router({"notify_url": settings.notify_url, "feedback_url": settings.feedback_url}),
    ):
        app.include_router(router)
    install_unavailable(app)
    install_console(app, settings.console_dir)
    return app


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
