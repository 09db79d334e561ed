"""The routes of notify."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from services.notify.alert_store import AlertStore
from services.notify.api_models import STATES, Acknowledgement, Enabling, NewEndpoint, StateFilter
from services.notify.core.alerts import AlertView
from services.notify.core.targets import BadTarget
from services.notify.endpoint_store import SETTINGS_ENDPOINT, EndpointStore
from services.notify.sender import WebhookSender
from shared.contracts.fields import NAME_LENGTH
from shared.runtime.http import Problem
from shared.runtime.http.conditional import conditional_json
from shared.runtime.sse import Broadcaster

log = structlog.get_logger("api")

PRIMING_SECONDS = 10.0

Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of a page")]
Limit = Annotated[int, Query(ge=1, le=200)]


@dataclass(frozen=True)
class Parts:
    """What the routes work with. ``primed``: the stream knows its past. ``on_change`` is called
    after an alert changed."""

    alerts: AlertStore
    endpoints: EndpointStore
    sender: WebhookSender
    broadcaster: Broadcaster
    primed: asyncio.Event
    on_change: Callable[[], None]


def alerts_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

    @router.get("", summary="List alerts, newest first")
    async def list_alerts(
        request: Request,
        *,
        state: StateFilter = "all",
        scope: Annotated[str | None, Query(max_length=1000)] = None,
        severity: Annotated[str | None, Query(max_length=50)] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        below = None if cursor is None else int(cursor)
        page = await parts.alerts.page(STATES[state], scope, severity, below, limit)
        follows = None if page.next_below is None else str(page.next_below)
        body = msgspec.json.encode({"items": page.items, "next": follows})
        return conditional_json(request, body)

    @router.get("/stream", summary="Follow alerts as they change (server-sent events)")
    async def stream(
        request: Request, last_event_id: Annotated[str | None, Header()] = None
    ) -> Response:
        await _until_primed(parts.primed)
        return parts.broadcaster.stream(request, last_event_id)

    @router.get("/{alert}", summary="One alert with its history and its deliveries")
    async def get_alert(request: Request, alert: UUID) -> Response:
        seen = _found(await parts.alerts.get(str(alert)), alert)
        document: dict[str, Any] = msgspec.to_builtins(seen)
        document["history"] = await parts.alerts.history(str(alert))
        document["deliveries"] = await parts.alerts.deliveries(str(alert))
        return conditional_json(request, msgspec.json.encode(document))

    @router.post("/{alert}/acknowledge", summary="Take care of an alert")
    async def acknowledge(alert: UUID, given: Acknowledgement) -> Response:
        seen = _found(
            await parts.alerts.acknowledge(str(alert), given.actor, given.note, datetime.now(UTC)),
            alert,
        )
        if seen.state == "resolved":
            raise Problem(409, detail="the alert is resolved already")
        parts.on_change()
        return _json(msgspec.json.encode(seen))

    return router


def endpoints_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/endpoints", tags=["webhook endpoints"])

    @router.post("", status_code=201, summary="Add an endpoint; its secret is told only here")
    async def add(given: NewEndpoint) -> Response:
        try:
            await parts.sender.admit(given.url)
        except BadTarget as error:
            fault = {"pointer": "/url", "detail": str(error)}
            raise Problem(422, detail=f"the URL {error}", errors=[fault]) from None
        endpoint, secret = await parts.endpoints.add(given.url, given.description, given.actor)
        log.info("endpoint_added", endpoint=endpoint.id, actor=given.actor)
        shown = {**msgspec.to_builtins(endpoint), "secret": secret}
        return _json(msgspec.json.encode(shown), 201)

    @router.get("", summary="List the endpoints, without their secrets")
    async def list_endpoints(request: Request) -> Response:
        items = await parts.endpoints.all()
        return conditional_json(request, msgspec.json.encode({"items": items, "next": None}))

    @router.post("/{endpoint}/enable", summary="Use an endpoint again that was switched off")
    async def enable(endpoint: str, given: Enabling) -> Response:
        enabled = await parts.endpoints.enable(endpoint)
        if enabled is None:
            raise Problem(404, detail=f"there is no endpoint {endpoint}")
        log.info("endpoint_enabled", endpoint=endpoint, actor=given.actor)
        return _json(msgspec.json.encode(enabled))

    @router.delete("/{endpoint}", status_code=204, summary="Tell an endpoint nothing any more")
    async def delete(
        endpoint: str, actor: Annotated[str, Query(min_length=1, max_length=NAME_LENGTH)]
    ) -> Response:
        if endpoint == SETTINGS_ENDPOINT:
            raise Problem(409, detail="unset BELLWETHER_NOTIFY_WEBHOOK_URL instead")
        if not await parts.endpoints.delete(endpoint, actor, datetime.now(UTC)):
            raise Problem(404, detail=f"there is no endpoint {endpoint}")
        log.info("endpoint_deleted", endpoint=endpoint, actor=actor)
        return Response(status_code=204)

    return router


async def _until_primed(primed: asyncio.Event) -> None:
    """A browser gives up for good on a stream that is refused, so it is let wait for a while."""
    try:
        async with asyncio.timeout(PRIMING_SECONDS):
            await primed.wait()
    except TimeoutError:
        raise Problem(503, detail="still starting", headers={"Retry-After": "2"}) from None


def _found(seen: AlertView | None, alert: UUID) -> AlertView:
    if seen is None:
        raise Problem(404, detail=f"there is no alert {alert}")
    return seen


def _json(body: bytes, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(body, status, media_type="application/json", headers=headers)
