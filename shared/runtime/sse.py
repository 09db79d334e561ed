"""Server-sent events: each one is encoded once and handed to every client as the same bytes.

A client that reads too slowly is disconnected; it comes back by itself and, with Last-Event-ID,
receives what it missed. When that is no longer in the ring buffer it gets `event: reset`, and
must load the present state anew.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import cast

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from shared.runtime.http import metrics

HEARTBEAT = b": heartbeat\n\n"
RESET = b"event: reset\ndata: {}\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Broadcaster:
    """`history` frames are kept for Last-Event-ID; a client may be `max_pending` frames behind.

    `heartbeat` and `send_timeout` are in seconds.
    """

    def __init__(
        self,
        name: str = "events",
        *,
        history: int = 1024,
        max_pending: int = 256,
        heartbeat: float = 15.0,
        send_timeout: float = 20.0,
    ) -> None:
        self._name = name
        self._ring: deque[tuple[int, bytes]] = deque(maxlen=history)
        self._max_pending = max_pending
        self._heartbeat = heartbeat
        self._send_timeout = send_timeout
        self._clients: set[_Client] = set()

    @property
    def clients(self) -> int:
        return len(self._clients)

    def publish(self, event: str, data: bytes, id: int) -> None:
        """Sends to all clients. Ids must increase; `data` is usually JSON on one line."""
        frame = encode(event, data, id)
        self._ring.append((id, frame))
        for client in self._clients:
            client.offer(frame)

    def stream(
        self,
        request: Request,
        last_event_id: str | int | None = None,
        greeting: bytes = b"",
    ) -> StreamingResponse:
        """The answer for one client. `last_event_id` is what its header says, if anything;
        `greeting` is a frame for this client alone, sent before all others."""
        stopping: asyncio.Event = request.app.state.stopping
        return _EventStream(
            self._frames(greeting, _parse_id(last_event_id), stopping),
            media_type="text/event-stream",
            headers=_HEADERS,
            send_timeout=self._send_timeout,
        )

    def _missed(self, last: int | None) -> list[bytes]:
        if last is None or not self._ring or last == self._ring[-1][0]:
            return []
        known = self._ring[0][0] <= last + 1 and last < self._ring[-1][0]
        return [frame for id, frame in self._ring if id > last] if known else [RESET]

    async def _frames(
        self, greeting: bytes, last: int | None, stopping: asyncio.Event
    ) -> AsyncIterator[bytes]:
        client = _Client(self._max_pending)
        self._clients.add(client)
        missed = self._missed(last)  # no event can come between this and the line above
        metrics.STREAM_CLIENTS.labels(self._name).inc()
        waker = asyncio.create_task(client.wake_on(stopping))
        try:
            yield b"retry: 2000\n\n" + greeting + b"".join(missed)
            while not stopping.is_set() and not client.too_slow:
                yield await client.take(self._heartbeat) or HEARTBEAT
        finally:
            waker.cancel()
            self._clients.discard(client)
            metrics.STREAM_CLIENTS.labels(self._name).dec()
            if client.too_slow:
                metrics.STREAM_DROPPED.labels(self._name).inc()


class _Client:
    def __init__(self, max_pending: int) -> None:
        self._pending: deque[bytes] = deque()
        self._max_pending = max_pending
        self._wake = asyncio.Event()
        self.too_slow = False

    def offer(self, frame: bytes) -> None:
        if len(self._pending) >= self._max_pending:
            self.too_slow = True
            self._pending.clear()
        else:
            self._pending.append(frame)
        self._wake.set()

    async def take(self, patience: float) -> bytes:
        """All frames that wait, as one chunk; empty after `patience` seconds without any."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._wake.wait()
        self._wake.clear()
        chunk = b"".join(self._pending)
        self._pending.clear()
        return chunk

    async def wake_on(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._wake.set()


class _EventStream(StreamingResponse):
    """Gives up on a client that takes nothing for `send_timeout` seconds."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        *,
        media_type: str,
        headers: dict[str, str],
        send_timeout: float,
    ) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._send_timeout = send_timeout

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._send_timeout):
                await send(message)

        with suppress(TimeoutError):
            await super().stream_response(cast(Send, send_in_time))


def encode(event: str, data: bytes, id: int) -> bytes:
    """One frame in the wire format of the HTML standard, section 9.2."""
    lines = b"".join(b"data: %b\n" % line for line in data.splitlines() or [b""])
    return b"id: %d\nevent: %b\n%b\n" % (id, event.encode(), lines)


def _parse_id(last_event_id: str | int | None) -> int | None:
    try:
        return None if last_event_id is None else int(last_event_id)
    except ValueError:
        return None
