"""Server-sent events: each one is encoded once and handed to every client as the same bytes.

A client that reads too slowly is disconnected; it comes back by itself and, with Last-Event-ID,
receives what it missed. When that is no longer in the ring buffer it gets `event: reset`, and
must load the present state anew.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
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
        client = _Client(self._max_pending)
        return _EventStream(
            self._frames(client, greeting, _parse_id(last_event_id), stopping),
            media_type="text/event-stream",
            headers=_HEADERS,
            client=client,
        )

    def _missed(self, last: int | None) -> list[bytes]:
        if last is None or not self._ring or last == self._ring[-1][0]:
            return []
        known = self._ring[0][0] <= last + 1 and last < self._ring[-1][0]
        return [frame for id, frame in self._ring if id > last] if known else [RESET]

    async def _frames(
        self, client: "_Client", greeting: bytes, last: int | None, stopping: asyncio.Event
    ) -> AsyncIterator[bytes]:
        self._clients.add(client)
        missed = self._missed(last)  # no event can come between this and the line above
        metrics.STREAM_CLIENTS.labels(self._name).inc()
        watch = asyncio.create_task(client.watch(stopping, self._heartbeat, self._send_timeout))
        try:
            yield b"retry: 2000\n\n" + greeting + b"".join(missed)
            while not stopping.is_set() and not client.too_slow:
                yield await client.take() or HEARTBEAT
        finally:
            watch.cancel()
            self._clients.discard(client)
            metrics.STREAM_CLIENTS.labels(self._name).dec()
            if client.too_slow:
                metrics.STREAM_DROPPED.labels(self._name).inc()


class _Client:
    """One task watches all of a client's deadlines: timers for each event would cost as much as to
    send it."""

    def __init__(self, max_pending: int) -> None:
        self._pending: deque[bytes] = deque()
        self._max_pending = max_pending
        self._wake = asyncio.Event()
        self._sending = False
        self._since = 0.0
        self._patience = asyncio.timeout(None)
        self.too_slow = False

    def offer(self, frame: bytes) -> None:
        if len(self._pending) >= self._max_pending:
            self.too_slow = True
            self._pending.clear()
        else:
            self._pending.append(frame)
        self._wake.set()

    async def take(self) -> bytes:
        """All frames that wait, as one chunk; empty when `watch` wants a sign of life."""
        await self._wake.wait()
        self._wake.clear()
        chunk = b"".join(self._pending)
        self._pending.clear()
        return chunk

    async def watch(self, stopping: asyncio.Event, heartbeat: float, send_timeout: float) -> None:
        """Wakes the client when it was sent nothing for `heartbeat` seconds or the service stops,
        and ends it when it takes nothing for `send_timeout` seconds, or twice that at most."""
        clock = asyncio.get_running_loop().time
        self._since = clock()
        while True:
            due = self._since + (send_timeout if self._sending else heartbeat)
            if due <= clock():
                if self._sending:
                    self._patience.reschedule(due)
                    return
                self._wake.set()
                due = clock() + heartbeat
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(due, clock() + send_timeout)):
                    await stopping.wait()
                self._wake.set()
                return

    async def send_all(self, stream: Callable[[Send], Awaitable[None]], send: Send) -> None:
        """The whole stream, or as much of it as the client takes."""
        clock = asyncio.get_running_loop().time

        async def observed(message: Message) -> None:
            self._since, self._sending = clock(), True
            try:
                await send(message)
            finally:
                self._since, self._sending = clock(), False

        with suppress(TimeoutError):
            async with self._patience:
                await stream(cast(Send, observed))


class _EventStream(StreamingResponse):
    """Gives up on a client that takes nothing."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        *,
        media_type: str,
        headers: dict[str, str],
        client: _Client,
    ) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._client = client

    async def stream_response(self, send: Send) -> None:
        await self._client.send_all(super().stream_response, send)


def encode(event: str, data: bytes, id: int) -> bytes:
    """One frame in the wire format of the HTML standard, section 9.2."""
    lines = b"".join(b"data: %b\n" % line for line in data.splitlines() or [b""])
    return b"id: %d\nevent: %b\n%b\n" % (id, event.encode(), lines)


def _parse_id(last_event_id: str | int | None) -> int | None:
    try:
        return None if last_event_id is None else int(last_event_id)
    except ValueError:
        return None
