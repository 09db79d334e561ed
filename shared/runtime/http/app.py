"""The app factory: a FastAPI app that behaves like every other one of ours."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import Lifespan

from shared.runtime.http import errors
from shared.runtime.http.guard import MIB, BodyGuard
from shared.runtime.http.health import ReadinessCheck, health_router
from shared.runtime.http.observe import Observe
from shared.runtime.http.problem import MEDIA_TYPE, ProblemDocument


def create_app(
    *,
    title: str,
    service: str,
    version: str,
    lifespan: Lifespan[FastAPI] | None,
    readiness: Sequence[ReadinessCheck],
    description: str = "",
    liveness: Sequence[ReadinessCheck] = (),
    max_body: int = MIB,
    receive_timeout: float = 20.0,
    inner: Sequence[Middleware] = (),
) -> FastAPI:
    """`app.state.stopping` is an event that is set when the service begins to stop.

    `max_body` is in bytes, `receive_timeout` in seconds; `inner` lie between the guard and the
    routes, the outer one first.
    """
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=_problem_responses(),
        middleware=list(inner),
    )
    app.state.stopping = asyncio.Event()
    app.state.service = service
    errors.install(app)
    app.add_middleware(BodyGuard, max_body=max_body, receive_timeout=receive_timeout)
    app.add_middleware(Observe, service=service)
    app.include_router(health_router(readiness, liveness))
    return app


def _problem_responses() -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}}
    return {
        "4XX": {"description": "The request cannot be fulfilled as it is", "content": content},
        "5XX": {"description": "The service cannot answer now", "content": content},
    }
