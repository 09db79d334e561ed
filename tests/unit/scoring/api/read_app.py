"""The read API's app without the work beside its requests."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.scoring.api.console import install_console
from services.scoring.api.known_questions import KnownQuestions, ShortWay
from services.scoring.api.routes import (
    Parts,
    console_router,
    figures_router,
    periods_router,
    rules_router,
)
from shared.runtime.database import install_unavailable
from shared.runtime.http import create_app


def build(parts: Parts, console: Path) -> FastAPI:
    known = KnownQuestions()
    app = create_app(
        title="t",
        service="t",
        version="1",
        lifespan=None,
        readiness=[],
        inner=[Middleware(ShortWay, known=known)],
    )
    for router in (
        figures_router(parts, known),
        rules_router(parts),
        periods_router(parts),
        console_router({"notify_url": "http://n", "feedback_url": "http://f"}),
    ):
        app.include_router(router)
    install_unavailable(app)
    install_console(app, console)
    return app
