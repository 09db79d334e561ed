"""The routes under `/v1`: reads only, answered from memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from services.scoring.api import catalogue
from services.scoring.api.answers import (
    HeadedAnswer,
    bad_parameter,
    etag,
    from_cursor,
    json_answer,
    listing,
    listing_head,
    to_cursor,
    unchanged,
)
from services.scoring.api.boards import Boards
from services.scoring.api.breach_store import BreachStore
from services.scoring.api.known_questions import KnownQuestions
from services.scoring.api.periods import (
    PERIOD_INDICATORS,
    Period,
    PeriodError,
    employees,
    parse_period,
)
from services.scoring.api.score_store import Entry, ScoreFilter, ScoreStore, with_indicators
from services.scoring.api.streams import Streams
from services.scoring.core.rules import RuleHistory, RuleSet
from shared.contracts.figures import WINDOWS
from shared.contracts.indicators import INDICATORS
from shared.contracts.scopes import SCOPE_KINDS, Scope, ScopeError
from shared.runtime.database import Database

MAX_LIMIT: Final = 1000
PERIOD_TIMEOUT_SECONDS: Final = 30.0
_ENCODER: Final = msgspec.json.Encoder()

KindList = Annotated[str, Query(description="Kinds of scopes, comma-separated", max_length=200)]
RowKindList = Annotated[
    str, Query(description="Kinds of scopes that have a row, comma-separated", max_length=200)
]
WindowList = Annotated[str, Query(description="Windows, comma-separated", max_length=200)]
Department = Annotated[str, Query(description="Scopes of this department", max_length=200)]
ScopeKey = Annotated[
    str, Query(description="A scope, such as department:D or employee:D/E", max_length=1000)
]
IndicatorList = Annotated[
    str, Query(description="Only these indicators' figures, comma-separated", max_length=1000)
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(description="next of the page before", max_length=4000)]
BreachState = Literal["active", "cleared", "all"]


class Span(NamedTuple):
    """What a page is asked to show: at most ``limit`` items that follow the cursor's."""

    wanted: ScoreFilter
    limit: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes read from. ``boot`` tells this process's states from an earlier one's."""

    scores: ScoreStore
    breaches: BreachStore
    streams: Streams
    rules: RuleHistory
    database: Database
    queries: Mapping[str, str]
    now_ms: Callable[[], int]
    boot: str

    def rules_now(self) -> RuleSet:
        """The rules in force at stream time, or by the clock before the first figure."""
        return self.rules.at(self.scores.stream_ms or self.now_ms())

    def clock(self) -> dict[str, object]:
        """Stream time, and the rules that the latest figures were judged by."""
        version = self.scores.rule_version or self.rules_now().version
        return {"stream_ms": self.scores.stream_ms, "rule_version": version}


def figures_router(parts: Parts, known: KnownQuestions) -> APIRouter:
    """Windows, scores and the stream of their changes. ``known`` is told what was asked of it."""
    router = APIRouter(prefix="/v1", tags=["figures"])
    boards = Boards(parts.scores)

    @router.get("/windows", summary="Figures and verdicts of scopes in windows")
    async def windows(
        request: Request,
        *,
        kind: KindList = "",
        department: Department = "",
        scope: ScopeKey = "",
        window: WindowList = "",
        indicator: IndicatorList = "",
        limit: Limit = 200,
        cursor: Cursor = None,
    ) -> Response:
        wanted = _filter(kind, window, department, scope)
        chosen = _choices("indicator", indicator, tuple(INDICATORS))
        render = _with(chosen) if chosen else _raw
        span = Span(wanted, limit, cursor)
        return known.answer(request, partial(_page, parts, span, render))

    @router.get("/scores", summary="Scores of scopes in windows, with their parts")
    async def scores(
        request: Request,
        *,
        kind: KindList = "",
        department: Department = "",
        scope: ScopeKey = "",
        window: WindowList = "",
        limit: Limit = 200,
        cursor: Cursor = None,
    ) -> Response:
        wanted = _filter(kind, window, department, scope)
        span = Span(wanted, limit, cursor)
        return known.answer(request, partial(_page, parts, span, Entry.brief))

    @router.get(
        "/scoreboard", summary="A row for each employee: score and missed targets by window"
    )
    async def scoreboard(
        request: Request,
        *,
        kind: RowKindList = "employee",
        department: Department = "",
        window: WindowList = "",
        limit: Limit = 200,
        cursor: Cursor = None,
    ) -> Response:
        """Rows are in the order of scopes, not of scores: a rank would claim differences that
        small samples do not show. The validator changes when a row does, not with stream time."""
        wanted = _filter(kind, window, department, "")
        span = Span(wanted, limit, cursor)
        return known.answer(request, partial(_board, parts, boards, span))

    @router.get("/stream", summary="Changes as server-sent events")
    async def stream(
        request: Request,
        *,
        kind: KindList = "",
        window: WindowList = "",
        department: Department = "",
    ) -> Response:
        wanted = _filter(kind, window, department, "")
        return parts.streams.follow(request, wanted, parts.clock(), parts.now_ms())

    return router


def rules_router(parts: Parts) -> APIRouter:
    """Indicators, targets, breaches, and what there is to ask for."""
    router = APIRouter(prefix="/v1", tags=["rules"])
    indicator_list = listing(b"", map(_ENCODER.encode, catalogue.indicators()))

    @router.get("/indicators", summary="The registry of indicators")
    async def indicators(request: Request) -> Response:
        tag = etag(parts.boot, "indicators")
        return unchanged(request, tag) or json_answer(indicator_list, tag)

    @router.get("/targets", summary="The targets in force")
    async def targets(request: Request) -> Response:
        rules = parts.rules_now()
        tag = etag(parts.rules.digests[rules.version][:16])
        head = b'"rule_version":' + _ENCODER.encode(rules.version) + b","
        content = listing(head, map(_ENCODER.encode, catalogue.targets(rules)))
        return unchanged(request, tag) or json_answer(content, tag)

    @router.get("/breaches", summary="Breaches that go on, and the latest that ended")
    async def breaches(
        request: Request,
        state: BreachState = "active",
        scope: ScopeKey = "",
        target: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        tag = etag(parts.boot, parts.breaches.revision)
        found = parts.breaches.items(state, scope, target)
        return unchanged(request, tag) or json_answer(
            listing(b"", (entry.json() for entry in found)), tag
        )

    @router.get("/meta", summary="Rule version, zone, currency, windows, departments")
    async def meta() -> dict[str, Any]:
        return {
            **parts.clock(),
            "zone": parts.rules.zone.key,
            "currency": parts.rules.currency,
            "windows": list(WINDOWS),
            "departments": parts.scores.departments(),
        }

    return router


def periods_router(parts: Parts) -> APIRouter:
    """Results of calendar months."""
    router = APIRouter(prefix="/v1", tags=["periods"])

    @router.get("/periods/{period}/employees", summary="A month's figures of every employee")
    async def period_employees(
        period: Annotated[str, Path(description="YYYY-MM", max_length=20)],
        department: Department = "",
    ) -> Response:
        month = _period(period, parts.rules)
        rules = parts.rules.at(month.end_ms - 1)
        rows = await parts.database.pool.fetch(
            parts.queries["period_figures"],
            month.start_ms,
            month.end_ms,
            department or None,
            PERIOD_INDICATORS,
            timeout=PERIOD_TIMEOUT_SECONDS,
        )
        now_ms = parts.now_ms()
        on_duty_ms = parts.rules.on_duty_ms(month.start_ms, min(month.end_ms, now_ms))
        content = {
            "period": month.name,
            "zone": parts.rules.zone.key,
            "start_ms": month.start_ms,
            "end_ms": month.end_ms,
            "closed": now_ms >= month.end_ms + rules.lateness_ms,
            "rule_version": rules.version,
            "items": employees(rows, month, now_ms=now_ms, on_duty_ms=on_duty_ms),
        }
        return Response(_ENCODER.encode(content), media_type="application/json")

    return router


def console_router(config: dict[str, str]) -> APIRouter:
    """What the console needs to know of its surroundings."""
    router = APIRouter(prefix="/v1/console", tags=["console"])

    @router.get("/config", summary="Where browsers find the other services")
    async def console_config() -> dict[str, str]:
        return config

    return router


def _page(parts: Parts, span: Span, render: Callable[[Entry], bytes], request: Request) -> Response:
    tag = etag(parts.boot, parts.scores.revision)
    same = unchanged(request, tag)
    if same is not None:
        return same
    try:
        page = parts.scores.page(span.wanted, span.limit, from_cursor(span.cursor))
    except ScopeError as error:
        raise bad_parameter("cursor", "is not what a listing gave as next") from error
    tail = b',"next":' + _ENCODER.encode(to_cursor(page.next))
    return json_answer(listing(_clock_head(parts), map(render, page.entries), tail), tag)


def _board(parts: Parts, boards: Boards, span: Span, request: Request) -> Response:
    try:
        page = boards.page(span.wanted, span.limit, from_cursor(span.cursor))
    except ScopeError as error:
        raise bad_parameter("cursor", "is not what a listing gave as next") from error
    same = unchanged(request, page.tag)
    if same is not None:
        return same
    return HeadedAnswer(listing_head(_clock_head(parts)), page.items, page.tag)


def _clock_head(parts: Parts) -> bytes:
    return _ENCODER.encode(parts.clock())[1:-1] + b","


def _raw(entry: Entry) -> bytes:
    return entry.raw


def _with(indicators: frozenset[str]) -> Callable[[Entry], bytes]:
    return lambda entry: with_indicators(entry, indicators)


def _filter(kind: str, window: str, department: str, scope: str) -> ScoreFilter:
    return ScoreFilter(
        _choices("kind", kind, SCOPE_KINDS),
        _choices("window", window, WINDOWS),
        department,
        _scope(scope),
    )


def _choices(name: str, text: str, allowed: tuple[str, ...]) -> frozenset[str]:
    chosen = frozenset(part.strip() for part in text.split(",") if part.strip())
    unknown = chosen - set(allowed)
    if unknown:
        raise bad_parameter(name, f"{min(unknown)!r} is none of {', '.join(allowed)}")
    return chosen


def _scope(text: str) -> str:
    if not text:
        return ""
    try:
        return Scope.parse(text).key
    except ScopeError as error:
        raise bad_parameter("scope", str(error)) from error


def _period(text: str, rules: RuleHistory) -> Period:
    try:
        return parse_period(text, rules.zone)
    except PeriodError as error:
        raise bad_parameter("period", str(error)) from error
