"""The composition root of feedback: `python -m services.feedback.main`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import ValidationError

from services.feedback.api import Parts, periods_router, results_router
from services.feedback.auto_publisher import AutoPublisher
from services.feedback.result_store import ResultStore
from services.feedback.scoring_client import ScoringClient
from services.feedback.settings import FeedbackSettings
from shared.runtime.background import Background, end_process, persistently
from shared.runtime.database import Database, install_unavailable
from shared.runtime.http import create_app, serve
from shared.runtime.postgres import load_queries
from shared.runtime.telemetry import configure_logging

VERSION = "1.0.0"
SCHEMA = "feedback"
HERE = Path(__file__).resolve().parent


class Feedback:
    """The parts of the service and how they hang together."""

    def __init__(self, settings: FeedbackSettings) -> None:
        self._auto = settings.feedback_auto_publish
        self.database = Database(
            settings.postgres_dsn.get_secret_value(),
            schema=SCHEMA,
            migrations=HERE / "migrations",
            max_size=4,
        )
        self.results = ResultStore(self.database, load_queries(HERE / "queries"))
        self.scoring = ScoringClient(
            settings.scoring_url, settings.feedback_scoring_timeout_seconds
        )
        self.auto_publisher = AutoPublisher(
            self.results,
            self.scoring,
            grace_hours=settings.feedback_grace_hours,
            interval_seconds=settings.feedback_auto_interval_seconds,
        )

    async def run(self) -> None:
        await self.database.open()
        if self._auto:
            await persistently("auto_publisher", self.auto_publisher.run)
        await asyncio.Event().wait()  # until cancelled

    async def close(self) -> None:
        await self.scoring.close()
        await self.database.close()


def build_app(
    settings: FeedbackSettings, feedback: Feedback, on_failure: Callable[[], None] = end_process
) -> FastAPI:
    """Ready when Postgres answers: results can be read and discussed while scoring is away."""
    background = Background(feedback.run, on_failure)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            async with background:
                yield
        finally:
            await feedback.close()

    app = create_app(
        title="Bellwether feedback",
        service="feedback",
        version=VERSION,
        lifespan=lifespan,
        readiness=[("postgres", feedback.database.check)],
        liveness=[("background", background.check)],
        description="Brings results back to employees, who acknowledge and discuss them.",
    )
    parts = Parts(feedback.results, feedback.scoring)
    app.include_router(periods_router(parts))
    app.include_router(results_router(parts))
    install_unavailable(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "If-None-Match", "X-Correlation-ID"],
        expose_headers=["ETag", "X-Correlation-ID"],
    )
    return app


def main() -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit status: 2 for wrong settings."""
    try:
        settings = FeedbackSettings()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            print("/".join(map(str, fault["loc"])), fault["msg"], file=sys.stderr)
        return 2
    configure_logging("feedback", settings)
    app = build_app(settings, Feedback(settings))
    serve(app, settings.feedback_host, settings.feedback_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
