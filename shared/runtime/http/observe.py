"""Sees every request: correlation id in and out, access log, metrics, and the last resort (500).

A pure ASGI middleware, the outermost of ours.
"""

import re
import time
import uuid
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.http import metrics
from shared.runtime.http.problem import Problem, problem_response
from shared.runtime.telemetry import correlation_id

log = structlog.get_logger("access")

HEADER = "X-Correlation-ID"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})


class Observe:
    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = _correlation_id(Headers(scope=scope).get(HEADER))
        token = correlation_id.set(current)
        answer = _Answer(send, current)
        started = time.perf_counter()
        try:
            with metrics.IN_PROGRESS.labels(self._service).track_inprogress():
                await self._app(scope, receive, answer)
        except Exception:  # the last resort: nothing above us could answer
            log.exception("unhandled_error", path=scope["path"])
            if answer.status == 0:
                await _internal_error(scope, receive, answer)
        finally:
            self._record(scope, answer.status, time.perf_counter() - started)
            correlation_id.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route_template(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        metrics.REQUESTS.labels(self._service, method, route, str(status)).inc()
        metrics.DURATION.labels(self._service, method, route).observe(seconds)
        write = log.debug if route in _QUIET_ROUTES else log.info
        write(
            "request",
            method=scope["method"],
            path=scope["path"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
        )


class _Answer:
    """Remembers the status on its way out and adds the correlation id. Status 0: none sent."""

    def __init__(self, send: Send, current: str) -> None:
        self._send = send
        self._current = current
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[HEADER] = self._current
        await self._send(message)


async def _internal_error(scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(500, detail="this is a fault of the service; its log has the correlation id")
    await problem_response(problem, scope["path"])(scope, receive, send)


def _correlation_id(given: str | None) -> str:
    if given is not None and _ACCEPTABLE_ID.fullmatch(given):
        return given
    return uuid.uuid4().hex


def _route_template(scope: Scope) -> str:
    """FastAPI keeps the path that a router was included under in a context of its own."""
    context: Any = scope.get("fastapi", {}).get("effective_route_context")
    route: Any = scope.get("route")
    return getattr(context, "path_format", None) or getattr(route, "path", None) or "unmatched"
