"""feedback as it runs, on a real Postgres and beside a scoring that says what a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from services.feedback.main import Feedback, build_app
from services.feedback.settings import FeedbackSettings
from shared.contracts.figures import Figure
from shared.runtime.http import create_app
from shared.runtime.http.conditional import conditional_json
from shared.runtime.http.server import EmbeddedServer, make_config


def employee(name: str, csat: float = 0.8, department: str = "after-sales") -> dict[str, Any]:
    return {
        "department": department,
        "team": "returns",
        "employee": name,
        "figures": [Figure(indicator="csat", n=30, value=csat, good=24)],
    }


@dataclass
class Scoring:
    """What scoring answers: `items` of every month, or `status` when it is not 200."""

    items: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = True
    rule_version: str = "2026-1"
    status: int = 200
    body: bytes | None = None
    end_ms: int = 1_769_875_200_000
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, period: str) -> dict[str, Any]:
        self.asked.append(period)
        return {
            "period": period,
            "zone": "Asia/Shanghai",
            "start_ms": self.end_ms - 31 * 86_400_000,
            "end_ms": self.end_ms,
            "closed": self.closed,
            "rule_version": self.rule_version,
            "items": self.items,
        }


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The URL at which `app` answers."""
    server = EmbeddedServer(app, make_config(app, "127.0.0.1", 0))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this attribute only
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def scoring_beside() -> AsyncIterator[Scoring]:

    scoring = Scoring()
    app = create_app(title="scoring", service="scoring", version="1", lifespan=None, readiness=[])

    @app.get("/v1/periods/{period}/employees")
    async def employees(request: Request, period: str) -> Response:
        if scoring.status != 200:
            return Response(status_code=scoring.status)
        body = msgspec.json.encode(scoring.answer(period))
        return conditional_json(request, scoring.body or body)

    async with serving(app) as scoring.url:
        yield scoring


def settings_for(database: str, scoring: str, **changes: Any) -> FeedbackSettings:
    fields = {"postgres_dsn": database, "scoring_url": scoring, "feedback_auto_publish": False}
    return FeedbackSettings.model_validate({**fields, **changes})


@asynccontextmanager
async def running(settings: FeedbackSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a feedback that is ready."""
    failures: list[str] = []
    feedback = Feedback(settings)
    app = build_app(settings, feedback, on_failure=lambda: failures.append("background work"))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        async with asyncio.timeout(90):
            while (await client.get("/readyz")).status_code != 200:
                assert failures == []
                await asyncio.sleep(0.05)
        yield client
    assert failures == []
