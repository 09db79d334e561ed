"""Feeds the event stream from Postgres, so that every replica sends every change in one order,
and a client can go on after a restart from the last id it saw."""

import asyncio

from services.notify.alert_store import AlertStore
from services.notify.bell import Bell
from shared.runtime.sse import Broadcaster

HISTORY = 2048
STEP = 256
POLL_SECONDS = 2.0


class Follower:
    """Publishes transitions as they are committed; the first thing it does is to fill the
    stream's memory with the last ``HISTORY`` of them. ``primed`` tells that this is done: a client
    that comes earlier would be sent all of them as news."""

    def __init__(self, store: AlertStore, broadcaster: Broadcaster, bell: Bell) -> None:
        self._store = store
        self._broadcaster = broadcaster
        self._bell = bell
        self._last: int | None = None
        self.primed = asyncio.Event()

    async def run(self) -> None:
        if self._last is None:
            self._last = max(0, await self._store.last_sequence() - HISTORY)
        while True:
            changes = await self._store.changes_after(self._last, STEP)
            for sequence, body in changes:
                self._broadcaster.publish("alert", body, sequence)
                self._last = sequence
            if len(changes) < STEP:  # what is committed from now on rings the bell
                self.primed.set()
                await self._bell.wait(POLL_SECONDS)
