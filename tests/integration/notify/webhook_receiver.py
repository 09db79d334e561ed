"""A receiver of webhooks that checks signatures and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    """One request whose signature was right."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    status: int

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.body["type"])


class Receiver:
    """Answers with ``statuses`` in turn, then with 204. Raises in `wait_for` what went wrong."""

    def __init__(self, secret: str) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.torn = 0
        self.faults: list[Exception] = []
        self.location = "http://127.0.0.1:1/"
        self.statuses: list[int] = []
        self.port = 0
        self._webhook = Webhook(secret)
        self._news = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"

    def use_secret(self, secret: str) -> None:
        self._webhook = Webhook(secret)

    def answer(self, statuses: Iterable[int]) -> None:
        self.statuses = list(statuses)

    async def wait_for(self, count: int, seconds: float = 60) -> list[Received]:
        async with self._news, asyncio.timeout(seconds):
            await self._news.wait_for(lambda: self.faults or len(self.received) >= count)
        if self.faults:
            raise self.faults[0]
        return self.received

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._answer_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.torn += 1  # the sender was killed meanwhile; it will send again
        except Exception as error:
            self.faults.append(error)
        finally:
            writer.close()
            async with self._news:
                self._news.notify_all()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split(" ")[1]
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        self._webhook.verify(body, headers)
        status = self.statuses.pop(0) if self.statuses else 204
        self.received.append(Received(path, headers, json.loads(body), status))
        extra = f"Location: {self.location}\r\n" if 300 <= status < 400 else ""
        answer = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{extra}Connection: close\r\n\r\n"
        writer.write(answer.encode())
        await writer.drain()


@asynccontextmanager
async def receiving(secret: str, port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own (or on ``port``)."""
    receiver = Receiver(secret)
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", port)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()
