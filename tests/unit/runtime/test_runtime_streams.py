"""Server-sent events, over real sockets: what counts is what the client receives, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Header, Request
from starlette.responses import StreamingResponse

from shared.runtime.http import create_app
from shared.runtime.http.server import EmbeddedServer, make_config
from shared.runtime.sse import HEARTBEAT, Broadcaster, encode
from tests.unit.runtime.waiting import until


def streaming_app(broadcaster: Broadcaster) -> FastAPI:
    app = create_app(title="s", service="s", version="1", lifespan=None, readiness=[])

    @app.get("/stream", response_model=None)
    async def stream(
        request: Request, last_event_id: str | None = Header(None)
    ) -> StreamingResponse:
        return broadcaster.stream(request, last_event_id)

    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[tuple[EmbeddedServer, str]]:
    server = EmbeddedServer(app, make_config(app, "127.0.0.1", 0))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield server, f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


@asynccontextmanager
async def following(url: str, **headers: str) -> AsyncIterator[AsyncIterator[str]]:
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("GET", f"{url}/stream", headers=headers) as answer,
    ):
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        assert await anext(lines) == ""
        yield lines


async def take(lines: AsyncIterator[str], count: int) -> list[str]:
    return [await anext(lines) for _ in range(count)]


async def test_an_event_reaches_every_client_as_it_was_published() -> None:
    broadcaster = Broadcaster()
    async with (
        serving(streaming_app(broadcaster)) as (_, url),
        following(url) as first,
        following(url) as second,
    ):
        broadcaster.publish("score", b'{"v":1}', 7)
        for lines in (first, second):
            assert await take(lines, 4) == ["id: 7", "event: score", 'data: {"v":1}', ""]


async def test_a_client_that_comes_back_receives_what_it_missed() -> None:
    broadcaster = Broadcaster()
    for number in range(1, 5):
        broadcaster.publish("n", b"%d" % number, number)
    async with (
        serving(streaming_app(broadcaster)) as (_, url),
        following(url, **{"Last-Event-ID": "2"}) as lines,
    ):
        received = await take(lines, 8)
        assert [line for line in received if line.startswith("data")] == ["data: 3", "data: 4"]


@pytest.mark.parametrize("last", ["3", "500"])
async def test_a_client_whose_place_is_not_known_is_told_to_load_anew(last: str) -> None:
    broadcaster = Broadcaster(history=2)
    for number in range(1, 11):
        broadcaster.publish("n", b"%d" % number, number)
    async with (
        serving(streaming_app(broadcaster)) as (_, url),
        following(url, **{"Last-Event-ID": last}) as lines,
    ):
        assert (await take(lines, 1)) == ["event: reset"]


@pytest.mark.parametrize("last", ["10", "nonsense"])
async def test_a_client_that_missed_nothing_is_sent_nothing(last: str) -> None:
    broadcaster = Broadcaster()
    broadcaster.publish("n", b"10", 10)
    async with (
        serving(streaming_app(broadcaster)) as (_, url),
        following(url, **{"Last-Event-ID": last}) as lines,
    ):
        broadcaster.publish("n", b"11", 11)
        assert (await take(lines, 1)) == ["id: 11"]


async def test_a_quiet_stream_sends_heartbeats() -> None:
    broadcaster = Broadcaster(heartbeat=0.02)
    async with serving(streaming_app(broadcaster)) as (_, url), following(url) as lines:
        assert await take(lines, 4) == [HEARTBEAT.decode().strip(), ""] * 2


async def test_open_streams_end_when_the_service_stops() -> None:
    broadcaster = Broadcaster()
    async with serving(streaming_app(broadcaster)) as (server, url), following(url) as lines:
        server.should_exit = True
        rest = [line async for line in lines if line]
        assert rest in ([], [HEARTBEAT.decode().strip()])
    assert broadcaster.clients == 0


async def test_a_client_that_leaves_is_forgotten() -> None:
    broadcaster = Broadcaster()
    async with serving(streaming_app(broadcaster)) as (_, url):
        async with following(url):
            assert broadcaster.clients == 1
        await until(lambda: broadcaster.clients == 0)


async def test_a_client_that_does_not_read_is_dropped_and_the_others_go_on() -> None:
    broadcaster = Broadcaster(max_pending=5, send_timeout=0.2)
    async with serving(streaming_app(broadcaster)) as (_, url), following(url) as reading:
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=64)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: broadcaster.clients == 2)
        number = 0
        while broadcaster.clients == 2:
            number += 1
            broadcaster.publish("n", b"x" * 200_000, number)
            await take(reading, 4)
        broadcaster.publish("last", b"y", number + 1)
        assert (await take(reading, 2))[1] == "event: last"
        writer.close()
        del reader


def test_data_of_several_lines_is_framed_line_by_line() -> None:
    assert encode("e", b"a\nb", 1) == b"id: 1\nevent: e\ndata: a\ndata: b\n\n"
