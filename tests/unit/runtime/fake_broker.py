"""A listener that says just enough of Kafka's protocol to be taken for a broker, and no more than
a test lets it say."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.api import Response
from aiokafka.protocol.metadata import MetadataResponse_v1

METADATA: Final = 3
API_VERSIONS: Final = 18
_KNOWN: Final = [(METADATA, 1, 1), (API_VERSIONS, 0, 0)]
_HEADER: Final = struct.Struct(">ihhi")  # size, key, version, correlation id


class FakeBroker:
    """Keeps the questions of ``silent_on`` to itself until `answer_all`; counts what is asked."""

    def __init__(self) -> None:
        self.port = 0
        self.silent_on: set[int] = set()
        self._served: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._asked: dict[int, int] = {}
        self._waiting: list[Callable[[], None]] = []
        self._news = asyncio.Condition()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def asked(self, key: int, times: int) -> None:
        """Wait until a question has come so many times."""
        async with self._news, asyncio.timeout(20):
            await self._news.wait_for(lambda: self._asked.get(key, 0) >= times)

    async def all_closed(self) -> None:
        """Wait until the clients have closed every connection. Raises TimeoutError."""
        async with asyncio.timeout(5):
            await asyncio.gather(*self._served)

    async def hang_up(self) -> None:
        for writer in self._served.values():
            writer.close()
        await asyncio.gather(*self._served)

    def answer_all(self) -> None:
        """Answer what was kept back, and from now on everything."""
        self.silent_on.clear()
        for answer in self._waiting:
            answer()
        self._waiting.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served[task] = writer
        try:
            while True:
                header = await reader.readexactly(_HEADER.size)
                size, key, _, correlation = _HEADER.unpack(header)
                await reader.readexactly(size + 4 - _HEADER.size)
                await self._take(key, partial(self._answer, writer, key, correlation))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass  # one of the two has closed
        finally:
            writer.close()

    async def _take(self, key: int, answer: Callable[[], None]) -> None:
        if key in self.silent_on:
            self._waiting.append(answer)
        else:
            answer()
        async with self._news:
            self._asked[key] = self._asked.get(key, 0) + 1
            self._news.notify_all()

    def _answer(self, writer: asyncio.StreamWriter, key: int, correlation: int) -> None:
        body = struct.pack(">i", correlation) + self._response(key).encode()
        writer.write(struct.pack(">i", len(body)) + body)

    def _response(self, key: int) -> Response:
        if key == API_VERSIONS:
            return ApiVersionResponse_v0(error_code=0, api_versions=_KNOWN)
        return MetadataResponse_v1(
            brokers=[(0, "127.0.0.1", self.port, None)], controller_id=0, topics=[]
        )


@asynccontextmanager
async def fake_broker() -> AsyncIterator[FakeBroker]:
    broker = FakeBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield broker
        finally:
            await broker.hang_up()
