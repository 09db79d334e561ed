"""`/livez`, `/readyz` and `/metrics` for roles that serve no other HTTP."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from shared.runtime.http.app import create_app
from shared.runtime.http.health import ReadinessCheck
from shared.runtime.http.server import EmbeddedServer, make_config


class HealthServer:
    """An async context manager that runs in the caller's loop. Port 0 picks a free one.

    `readiness` and `liveness` are checks that raise when their part does not work.
    """

    def __init__(
        self,
        host: str,
        port: int,
        readiness: Sequence[ReadinessCheck] = (),
        liveness: Sequence[ReadinessCheck] = (),
        *,
        service: str = "worker",
    ) -> None:
        app = create_app(
            title=f"Bellwether {service}",
            service=service,
            version="1",
            lifespan=None,
            readiness=readiness,
            liveness=liveness,
        )
        self._server = EmbeddedServer(app, make_config(app, host, port))
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is really bound."""
        address = self._server.servers[0].sockets[0].getsockname()
        return int(address[1])

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._serve(), name="health-server")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError("the health server ended before it had started")
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def _serve(self) -> None:
        try:
            await self._server.serve()
        except SystemExit as error:  # uvicorn leaves so when the port is taken
            raise OSError("the health server could not start: is its port taken?") from error
