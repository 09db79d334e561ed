import asyncio
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from shared.runtime.health_server import HealthServer
from shared.runtime.http.server import MAX_HEADER_BYTES, ImpatientProtocol

HOST = "127.0.0.1"


async def failing() -> None:
    raise RuntimeError("stuck")


async def test_a_health_server_answers_for_a_role_without_http() -> None:
    async with (
        HealthServer(HOST, 0, readiness=[("kafka", failing)], service="measure") as server,
        httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client,
    ):
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        assert "bellwether_http_requests_total" in (await client.get("/metrics")).text
        assert (await client.get("/")).headers["content-type"] == "application/problem+json"


async def test_a_role_that_makes_no_progress_is_not_alive() -> None:
    async with (
        HealthServer(HOST, 0, liveness=[("progress", failing)]) as server,
        httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client,
    ):
        assert (await client.get("/livez")).status_code == 503


async def test_a_port_that_is_taken_is_an_error_that_can_be_caught() -> None:
    async with HealthServer(HOST, 0) as server:
        with pytest.raises(OSError, match="is its port taken"):
            async with HealthServer(HOST, server.port):
                raise AssertionError("it must not start")


async def answer_to(port: int, sent: bytes) -> bytes:
    """What the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(sent)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_headers_that_do_not_end_are_given_up(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(ImpatientProtocol, "header_deadline", 0.1)
    async with HealthServer(HOST, 0) as server:
        assert await answer_to(server.port, sent) == b""


async def test_headers_that_do_not_end_after_a_first_request_are_given_up_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImpatientProtocol, "header_deadline", 0.1)
    async with HealthServer(HOST, 0) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.05)
        writer.write(b"GET /livez HTT")
        async with asyncio.timeout(10):
            await reader.read()  # ends only when the server closes
        writer.close()


async def test_headers_without_measure_are_given_up() -> None:
    async with HealthServer(HOST, 0) as server:
        sent = b"GET / HTTP/1.1\r\nX-Long: " + b"x" * (MAX_HEADER_BYTES + 1)
        assert await answer_to(server.port, sent) == b""


async def test_a_client_that_sends_too_much_is_told_so_and_not_just_cut_off() -> None:
    async with HealthServer(HOST, 0) as server:
        size = 4 * 1024 * 1024
        head = b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
        answer = await answer_to(server.port, head + b"x" * size)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


async def test_a_client_that_asks_first_is_told_before_it_sends() -> None:
    async with HealthServer(HOST, 0) as server:
        head = b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n"
        answer = await answer_to(server.port, head + b"Expect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


SERVICE = """
import asyncio, sys
from fastapi import Request
from shared.runtime.http import create_app, serve
from shared.runtime.sse import Broadcaster
app = create_app(title="s", service="s", version="1", lifespan=None, readiness=[])
broadcaster = Broadcaster()

@app.get("/stream", response_model=None)
async def stream(request: Request):
    return broadcaster.stream(request)

serve(app, "127.0.0.1", int(sys.argv[1]))
print("ended by itself")
"""


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
async def test_a_signal_ends_a_service_with_open_streams_in_good_order(
    signal: str, unused_tcp_port: int, checkout: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVICE, str(unused_tcp_port)),
        cwd=checkout,
        stdout=subprocess.PIPE,
    )
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{unused_tcp_port}", timeout=10) as client:
        await answering(client)
        async with client.stream("GET", "/stream") as stream:
            process.send_signal(getattr(__import__("signal"), signal))
            started = time.monotonic()
            async for _ in stream.aiter_bytes():
                pass
            output, _ = await process.communicate()
    assert process.returncode == 0
    assert output.strip().endswith(b"ended by itself")
    assert time.monotonic() - started < 5, "the promise of `serve`"


async def answering(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await client.get("/livez")
            except httpx.ConnectError:
                await asyncio.sleep(0.1)
            else:
                return
