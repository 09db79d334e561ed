"""The routes of feedback."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from services.feedback.api_models import Acknowledgement, NewComment, Publishing
from services.feedback.core.periods import PERIOD_PATTERN
from services.feedback.result_store import Filters, Result, ResultStore
from services.feedback.scoring_client import (
    RETRY_AFTER_SECONDS,
    ScoringAway,
    ScoringClient,
    ScoringError,
)
from shared.contracts.fields import NAME_LENGTH
from shared.runtime.http import Problem
from shared.runtime.http.conditional import conditional_json

Period = Annotated[str, Path(pattern=PERIOD_PATTERN, examples=["2026-01"])]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of a page")]
Limit = Annotated[int, Query(ge=1, le=200)]
Text = Annotated[str | None, Query(max_length=NAME_LENGTH)]


@dataclass(frozen=True)
class Parts:
    """What the routes work with."""

    results: ResultStore
    scoring: ScoringClient


def periods_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/periods", tags=["periods"])

    @router.post("/{period}/publish", summary="Publish the results of a month")
    async def publish(period: Period, given: Publishing) -> Response:
        try:
            results = await parts.scoring.period(period)
        except ScoringAway as error:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise Problem(503, detail=str(error), headers=headers) from None
        except ScoringError as error:
            raise Problem(502, detail=str(error)) from None
        done = await parts.results.publish(results, given.actor, datetime.now(UTC))
        return _json(done)

    return router


def results_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/results", tags=["results"])

    @router.get("", summary="List results, newest first")
    async def list_results(
        request: Request,
        *,
        period: Annotated[str | None, Query(pattern=PERIOD_PATTERN)] = None,
        department: Text = None,
        team: Text = None,
        employee: Text = None,
        revisions: Literal["latest", "all"] = "latest",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        filters = Filters(period, department, team, employee, revisions == "all")
        items, below = await parts.results.page(filters, _number(cursor), limit)
        return _page(request, items, below)

    @router.get("/{result}", summary="One result")
    async def get_result(request: Request, result: UUID) -> Response:
        found = await _result(parts, result)
        return conditional_json(request, msgspec.json.encode(found))

    @router.post("/{result}/acknowledge", summary="The employee has seen the result")
    async def acknowledge(result: UUID, given: Acknowledgement) -> Response:
        found = await _result(parts, result)
        if given.actor != found.employee:
            raise Problem(403, detail="only the employee whose result it is can acknowledge it")
        await parts.results.acknowledge(str(result), given.actor, datetime.now(UTC))
        return _json(await _result(parts, result))

    @router.post("/{result}/comments", status_code=201, summary="Say something about a result")
    async def comment(result: UUID, given: NewComment) -> Response:
        added = await parts.results.comment(str(result), given.actor, given.text, datetime.now(UTC))
        if added is None:
            raise _no_result(result)
        return _json(added, 201)

    @router.get("/{result}/comments", summary="List the comments on a result, oldest first")
    async def list_comments(
        request: Request, result: UUID, limit: Limit = 50, cursor: Cursor = None
    ) -> Response:
        await _result(parts, result)
        items, above = await parts.results.comments(str(result), _number(cursor), limit)
        return _page(request, items, above)

    return router


async def _result(parts: Parts, result: UUID) -> Result:
    found = await parts.results.get(str(result))
    if found is None:
        raise _no_result(result)
    return found


def _no_result(result: UUID) -> Problem:
    return Problem(404, detail=f"there is no result {result}")


def _number(cursor: str | None) -> int | None:
    return None if cursor is None else int(cursor)


def _page(request: Request, items: list[Any], follows: int | None) -> Response:
    cursor = None if follows is None else str(follows)
    return conditional_json(request, msgspec.json.encode({"items": items, "next": cursor}))


def _json(content: Any, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    body = msgspec.json.encode(content)
    return Response(body, status, media_type="application/json", headers=headers)
