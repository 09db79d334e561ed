"""Drives a simulation by the wall clock: the past at once, then what happens now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from deploy.events_client.sender import EventSender
from deploy.simulation.generator import Simulation

BATCH: Final = 500
TICK_S: Final = 0.2


@dataclass
class Sent:
    """``events`` were sent, ``refused`` of them ingest did not take."""

    events: int = 0
    refused: int = 0
    reason: str = ""


class Stream:
    """Sends what `Simulation` tells, never ahead of ``now_ms``. ``on_sent`` hears of each batch
    and its last event's time, ``on_live`` when the past is told and the stream is up to date."""

    def __init__(
        self,
        simulation: Simulation,
        sender: EventSender,
        now_ms: Callable[[], int],
        on_sent: Callable[[Sent, int], None],
        *,
        on_live: Callable[[Sent], None] = lambda sent: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._simulation = simulation
        self._sender = sender
        self._now_ms = now_ms
        self._on_sent = on_sent
        self._on_live = on_live
        self._sleep = sleep
        self.sent = Sent()

    async def run(self, end_ms: int | None) -> Sent:
        """Until ``end_ms``, or for ever. Raises `DeliveryError`."""
        live = False
        while end_ms is None or self._now_ms() < end_ms:
            before = self.sent.events
            await self._catch_up()
            if not live and self.sent.events - before < BATCH:
                live = True
                self._on_live(self.sent)
            await self._sleep(TICK_S)
        return self.sent

    async def _catch_up(self) -> None:
        events = self._simulation.events_until(self._now_ms())
        while batch := list(islice(events, BATCH)):
            refusals = await self._sender.send([event.body for event in batch])
            self.sent.events += len(batch)
            self.sent.refused += len(refusals)
            if refusals:
                self.sent.reason = refusals[0].reason
            self._on_sent(self.sent, batch[-1].at_ms)
