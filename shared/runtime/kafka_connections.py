"""Closes the connections that aiokafka's client leaves open when it is interrupted (aiokafka#715).

Two ways lead there. A start that is cancelled between its connection and the broker's answer drops
the connection. And a question to several brokers ends when one of them fails: the others are still
being connected to, and what comes of it is put into a client that was closed meanwhile.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection, CloseReason


class ClosingClient(AIOKafkaClient):  # type: ignore[misc]  # aiokafka is untyped for us
    """Leaves no connection open after `close`, whatever is still under way by then."""

    _closing = False

    async def bootstrap(self) -> None:
        """As aiokafka's; cancelled, it closes the connection that it was waiting on."""
        try:
            await super().bootstrap()
        except BaseException as error:
            _close_connections_of(error.__traceback__)
            raise

    async def close(self) -> None:
        """As aiokafka's; from now on there are no new connections either."""
        self._closing = True
        await super().close()

    async def _get_conn(
        self, node_id: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT, **hints: Any
    ) -> AIOKafkaConnection | None:
        if self._closing:
            return None
        return await self._unless_closing(super()._get_conn(node_id, group=group, **hints))

    async def _unless_closing(
        self, connecting: Awaitable[AIOKafkaConnection | None]
    ) -> AIOKafkaConnection | None:
        connection = await connecting
        if not self._closing or connection is None:
            return connection
        connection.close(reason=CloseReason.SHUTDOWN)
        return None


def closing(client: AIOKafkaClient) -> None:
    """Make a client a `ClosingClient`: consumers, producers and admins build their own, and take
    none that is built for them. Before it is started."""
    client.__class__ = ClosingClient


def _close_connections_of(trace: TracebackType | None) -> None:
    """A call that was interrupted holds its connection nowhere but in its frame."""
    for frame, _ in traceback.walk_tb(trace):
        for value in list(frame.f_locals.values()):
            if isinstance(value, AIOKafkaConnection):
                value.close(reason=CloseReason.SHUTDOWN)
