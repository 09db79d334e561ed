"""The stream tells everybody what they asked for, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from services.scoring.api.score_store import Entry, ScoreFilter, ScoreStore
from services.scoring.api.streams import FORGET_MS, MAX_FILTERS, Streams
from shared.contracts.breaches import decode_breach
from shared.runtime.http import Problem, create_app
from shared.runtime.http.server import EmbeddedServer, make_config
from tests.unit.runtime.waiting import until
from tests.unit.scoring.api.records import breach, score_bytes

HELLO = {"stream_ms": 7, "rule_version": "v1"}


def entry(scope: str = "department:it") -> Entry:
    made = ScoreStore().apply(f"{scope}|1h", score_bytes(scope, "1h"))
    assert made is not None
    return made


def app_of(streams: Streams) -> FastAPI:
    app = create_app(title="t", service="t", version="1", lifespan=None, readiness=[])

    @app.get("/stream", response_model=None)
    async def stream(request: Request, kind: str = "", department: str = "") -> StreamingResponse:
        kinds = frozenset(part for part in kind.split(",") if part)
        return streams.follow(request, ScoreFilter(kinds, department=department), HELLO, 0)

    return app


@asynccontextmanager
async def serving(streams: Streams) -> AsyncIterator[str]:
    app = app_of(streams)
    server = EmbeddedServer(app, make_config(app, "127.0.0.1", 0))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/stream"
    server.should_exit = True
    await task


@asynccontextmanager
async def following(url: str, **headers: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    async with (
        httpx.AsyncClient(timeout=15) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        yield events(answer.aiter_lines())


async def events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    async for line in lines:
        name, _, text = line.partition(": ")
        if not line and "event" in event:
            yield event
            event = {}
        elif name in ("event", "id"):
            event[name] = text
        elif name == "data":
            event["data"] = json.loads(text)


async def test_a_client_is_greeted_and_then_told_what_changes() -> None:
    streams = Streams(100)
    async with serving(streams) as url, following(url) as told:
        assert await anext(told) == {"event": "hello", "data": HELLO}
        streams.score(entry())
        streams.breach(decode_breach(breach()), breach())
        streams.clock(9, 0)
        score, broken, clock = [await anext(told) for _ in range(3)]
    assert (score["event"], score["data"]["scope"]) == ("score", "department:it")
    assert (broken["event"], broken["data"]["id"]) == ("breach", "b1")
    assert clock["data"] == {"stream_ms": 9}
    assert int(score["id"]) < int(broken["id"]) < int(clock["id"])


async def test_a_filter_keeps_other_figures_away_but_no_breach() -> None:
    streams = Streams(100)
    async with serving(streams) as url, following(f"{url}?kind=organisation") as told:
        await anext(told)
        streams.score(entry("department:it"))
        streams.score(entry("organisation"))
        streams.breach(decode_breach(breach()), breach())
        assert (await anext(told))["data"]["scope"] == "organisation"
        assert (await anext(told))["event"] == "breach"


async def test_a_department_sees_its_own_breaches_only() -> None:
    streams = Streams(100)
    async with serving(streams) as url, following(f"{url}?department=hr") as told:
        await anext(told)
        for scope in ("department:it", "employee:hr/bo"):
            raw = breach(scope=scope)
            streams.breach(decode_breach(raw), raw)
        assert (await anext(told))["data"]["scope"] == "employee:hr/bo"


async def test_a_client_that_comes_back_receives_what_it_missed() -> None:
    streams = Streams(100)
    async with serving(streams) as url:
        async with following(url) as told:
            await anext(told)
            streams.score(entry("organisation"))
            last = (await anext(told))["id"]
        streams.score(entry("department:it"))
        async with following(url, **{"Last-Event-ID": last}) as told:
            await anext(told)
            assert (await anext(told))["data"]["scope"] == "department:it"


async def test_a_client_of_another_process_is_told_to_begin_anew() -> None:
    streams = Streams(1_000_000)
    async with serving(streams) as url:
        async with following(url):
            streams.score(entry())
        async with following(url, **{"Last-Event-ID": "17"}) as told:
            await anext(told)
            assert (await anext(told))["event"] == "reset"


def request() -> Request:
    app = create_app(title="t", service="t", version="1", lifespan=None, readiness=[])
    return Request({"type": "http", "app": app, "headers": []})


async def test_filters_that_nobody_uses_are_forgotten_and_their_number_is_bounded() -> None:
    streams = Streams(1)
    for number in range(MAX_FILTERS):
        streams.follow(request(), ScoreFilter(department=str(number)), HELLO, 0)
    with pytest.raises(Problem):
        streams.follow(request(), ScoreFilter(department="one more"), HELLO, 0)
    streams.forget_unused(FORGET_MS + 1)
    streams.follow(request(), ScoreFilter(department="one more"), HELLO, 0)
