"""`/livez`: this process works. `/readyz`: so does what it depends on. `/metrics`: figures.

A check is a name and a coroutine function that raises when its part does not work.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

log = structlog.get_logger("health")

ReadinessCheck = tuple[str, Callable[[], Awaitable[None]]]
CHECK_TIMEOUT = 2.0
"""Seconds that one check may take."""


def health_router(
    readiness: Sequence[ReadinessCheck], liveness: Sequence[ReadinessCheck] = ()
) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/livez", summary="Does this process work?")
    async def livez() -> Response:
        return _answer(await run_checks(liveness), "alive", "stuck")

    @router.get("/readyz", summary="Does what this service depends on work?")
    async def readyz(request: Request) -> Response:
        results = await run_checks(readiness)
        if request.app.state.stopping.is_set():
            results["stopping"] = {"status": "failed", "detail": "the service is stopping"}
        return _answer(results, "ready", "not ready")

    @router.get("/metrics", summary="Metrics in the text format of Prometheus")
    async def metrics() -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


async def run_checks(checks: Sequence[ReadinessCheck]) -> dict[str, Any]:
    """Runs all at once. Result by name: status ok | failed, ms, and the kind of a failure."""
    results = await asyncio.gather(*(_run(name, check) for name, check in checks))
    return {name: result for (name, _), result in zip(checks, results, strict=True)}


async def _run(name: str, check: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await check()
    except Exception as error:
        log.warning("check_failed", check=name, error=repr(error))
        return {"status": "failed", "detail": type(error).__name__, "ms": _since(started)}
    return {"status": "ok", "ms": _since(started)}


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _answer(results: dict[str, Any], good: str, bad: str) -> Response:
    works = all(result["status"] == "ok" for result in results.values())
    return Response(
        orjson.dumps({"status": good if works else bad, "checks": results}),
        status_code=200 if works else 503,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
