"""Sends planned events in their order, and notes how far it came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from deploy.events_client.sender import EventSender
from deploy.replay.engine import PlannedEvent
from deploy.replay.pacing import Pace
from deploy.replay.rejects import RejectFile
from deploy.replay.resume import Progress, ResumePoint
from deploy.replay.rows import Reject

SAVE_EVERY_S = 0.5
MAX_LINGER_S = 0.25
"""With a pace, a batch closes after this long, full or not."""


@dataclass(frozen=True)
class Batch:
    """Events that go in one request; ``due_s`` is when the last of them may go, in seconds after
    the first event of the run."""

    events: tuple[PlannedEvent, ...]
    due_s: float


def batches(events: Iterator[tuple[int, PlannedEvent]], size: int, pace: Pace) -> Iterator[Batch]:
    """Cut the stream into batches of up to ``size`` events that are due at about one time."""
    group: list[PlannedEvent] = []
    first_turn: int | None = None
    opened_s = due_s = 0.0
    for turn, event in events:
        first_turn = turn if first_turn is None else first_turn
        due = pace.wait_s(turn, first_turn, 0.0)
        if group and (len(group) >= size or due - opened_s > MAX_LINGER_S):
            yield Batch(tuple(group), due_s)
            group = []
        if not group:
            opened_s = due
        group.append(event)
        due_s = due
    if group:
        yield Batch(tuple(group), due_s)


class Delivery:
    """One run over the events that are left."""

    def __init__(
        self,
        sender: EventSender,
        resume: ResumePoint,
        rejects: RejectFile,
        on_delivered: Callable[[int], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._resume = resume
        self._rejects = rejects
        self._on_delivered = on_delivered
        self._sleep = sleep
        self._clock = clock
        self.refused = 0

    async def run(self, work: Iterator[Batch], start: Progress) -> Progress:
        """Deliver all batches. The resume point is right even if this is cancelled midway."""
        began = saved = self._clock()
        progress = start
        try:
            for batch in work:
                wait = batch.due_s - (self._clock() - began)
                if wait > 0:
                    await self._sleep(wait)
                await self._send(batch)
                progress = Progress(progress.delivered + len(batch.events), progress.total)
                self._on_delivered(progress.delivered)
                if self._clock() - saved >= SAVE_EVERY_S:
                    self._resume.save(progress)
                    saved = self._clock()
        finally:
            self._resume.save(progress)
        return progress

    async def _send(self, batch: Batch) -> None:
        for refusal in await self._sender.send([event.body for event in batch.events]):
            event = batch.events[refusal.index]
            self.refused += 1
            self._rejects.add(
                Reject(event.line, event.row, refusal.reason, event.type, (event.body.decode(),))
            )
