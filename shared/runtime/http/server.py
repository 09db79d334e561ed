"""uvicorn, run by program: deadlines for headers, and a shutdown that ends streams too."""

import asyncio
import signal
import socket
from contextlib import nullcontext, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.runtime.collector import calm_collector

KEEP_ALIVE = 15
GRACE = 4
MAX_HEADER_BYTES = 64 * 1024


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn waits without end for headers that never end; this closes such a connection, after
    `header_deadline` seconds or `MAX_HEADER_BYTES`."""

    header_deadline = 10.0
    _header_timer: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._idle():
            self._header_bytes += len(data)
            if self._header_timer is None:
                self._await_headers()
        super().data_received(data)
        if not self._idle():
            self._headers_came()
        elif self._header_bytes > MAX_HEADER_BYTES:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_headers(self) -> None:
        self._header_timer = self.loop.call_later(self.header_deadline, self._too_late)

    def _headers_came(self) -> None:
        self._header_bytes = 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_late(self) -> None:
        self._header_timer = None
        if self._idle():
            self.transport.close()


class Server(uvicorn.Server):
    """Sets `app.state.stopping` before it waits for open connections, so that streams end."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.stopping.set()
        await super().shutdown(sockets)


class EmbeddedServer(Server):
    """Leaves the signals to the program that it is part of."""

    def capture_signals(self) -> Any:
        return nullcontext()


def make_config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def serve(app: FastAPI, host: str, port: int) -> None:
    """Blocks until SIGINT or SIGTERM, then ends within 5 s and returns normally."""
    calm_collector()
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again when all is done
    with suppress(KeyboardInterrupt):
        Server(app, make_config(app, host, port)).run()
