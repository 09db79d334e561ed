"""HTTP/1.1 on one kept connection, so light that it is not what is measured."""

from __future__ import annotations

import asyncio
from typing import Final, cast

import httptools

TIMEOUT_SECONDS: Final = 30.0


class NoAnswerError(RuntimeError):
    """The connection ended before its answer did."""


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, int]] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._bytes = 0

    async def get(self, path: str, host: str) -> tuple[int, int]:
        """Status, and length of the body in bytes. Raises `NoAnswerError` or TimeoutError."""
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self._bytes = 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswerError("the server closed the connection"))

    def on_body(self, body: bytes) -> None:
        self._bytes += len(body)

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._bytes))
