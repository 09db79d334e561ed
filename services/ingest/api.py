"""`POST /v1/events`: takes one event or a batch, answers when the broker has them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest import metrics
from services.ingest.api_models import DESCRIPTION, OPENAPI, RESPONSES
from services.ingest.core.admission import Admitted, Refused, admit, reception
from services.ingest.core.faults import EVENT_TYPES
from services.ingest.core.keys import SourceKey, presented
from services.ingest.core.outcome import Outcome, Verdict, outcome
from services.ingest.key_store import KeyCache
from services.ingest.publisher import BrokerAway, Publisher
from shared.runtime.http import Problem, json_body

RETRY_AFTER = {"Retry-After": "2"}

_SINGLE = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_EITHER = "application/json"


def events_router(
    keys: Callable[[], KeyCache],
    publisher: Callable[[], Publisher],
    now: Callable[[], datetime],
    max_batch: int,
) -> APIRouter:
    """`keys` and `publisher` exist once the service has started."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post(
        "/events",
        status_code=202,
        summary="Send one event or a batch",
        description=DESCRIPTION,
        responses=RESPONSES,
        openapi_extra=OPENAPI,
    )
    async def receive_events(request: Request) -> Response:
        key = await _authenticate(request, keys())
        items, is_batch = _items(request, max_batch)
        received = reception(key, now())
        decisions = [admit(item, received) for item in items]
        delivered = await _publish(publisher(), decisions)
        result = outcome(decisions, delivered, is_batch=is_batch)
        _count(decisions, result)
        return _answer(result)

    return router


async def _authenticate(request: Request, keys: KeyCache) -> SourceKey:
    shown = presented(request.headers.get("authorization"), request.headers.get("x-api-key"))
    key = await keys.find(shown) if shown else None
    if key is None:
        metrics.REFUSED_KEYS.inc()
        raise Problem(
            401,
            detail="send an API key that is in force: Authorization: Bearer KEY, or X-API-Key",
            headers={"WWW-Authenticate": 'Bearer realm="ingest"'},
        )
    return key


def _items(request: Request, max_batch: int) -> tuple[list[Any], bool]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {_SINGLE, _BATCH, _EITHER}:
        raise Problem(
            415,
            detail=f"send {_SINGLE}, {_BATCH} or {_EITHER}",
            headers={"Accept": f"{_SINGLE}, {_BATCH}, {_EITHER}"},
        )
    body = json_body(request)
    is_batch = isinstance(body, list)
    if media_type != _EITHER and is_batch != (media_type == _BATCH):
        wanted = "an array of events" if media_type == _BATCH else "one event"
        raise Problem(400, detail=f"the body of {media_type} is {wanted}")
    if is_batch and len(body) > max_batch:
        raise Problem(413, detail=f"a batch has at most {max_batch} events; send several")
    return (body, True) if is_batch else ([body], False)


async def _publish(publisher: Publisher, decisions: Sequence[Admitted | Refused]) -> list[bool]:
    admitted = [decision for decision in decisions if isinstance(decision, Admitted)]
    if not admitted:
        return []
    try:
        return await publisher.publish(admitted)
    except BrokerAway:
        return [False] * len(admitted)


def _answer(result: Outcome) -> Response:
    if result.verdict is Verdict.INVALID:
        raise Problem(
            422,
            "Unprocessable Content",
            "no event of the request is valid",
            errors=result.faults,
            **result.counts,
        )
    if result.verdict is Verdict.RETRY:
        raise Problem(
            503,
            detail="the broker did not confirm the events; nothing was accepted, send them again",
            headers=RETRY_AFTER,
            **result.counts,
        )
    headers = RETRY_AFTER if result.retry else {}
    return Response(
        orjson.dumps(result.counts),
        status_code=202,
        media_type="application/json",
        headers=headers,
    )


def _count(decisions: Sequence[Admitted | Refused], result: Outcome) -> None:
    metrics.BATCH_SIZE.observe(len(decisions))
    tally: dict[tuple[str, str], int] = {}
    for decision, item in zip(decisions, result.items, strict=True):
        known = decision.type if decision.type in EVENT_TYPES else "unknown"
        group = item["status"], known or "unknown"
        tally[group] = tally.get(group, 0) + 1
    for (status, event_type), count in tally.items():
        metrics.EVENTS.labels(status, event_type).inc(count)
