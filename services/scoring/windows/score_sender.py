"""Sends score records, beside what is more urgent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from services.scoring import metrics
from services.scoring.windows.emitter import Emitter, Message
from services.scoring.windows.partition import OwnedPartition
from shared.contracts.figures import WrittenScore, encode_score
from shared.runtime.kafka import Progress

LOOK_SECONDS: Final = 0.05
"""Between two looks when nothing was due."""
STEP_SECONDS: Final = 0.01
"""So long records are made before the loop is given back,"""
LONGEST_STEP_SECONDS: Final = 0.05
"""and so long at most when it was long before they were stored:"""
LEAST_SHARE: Final = 0.2
"""a step is so much at least of the time between the last two."""
STUCK_SECONDS: Final = 60.0
MOST_RECORDS: Final = 100
"""Of a partition in one step."""


class ScoreSender:
    """Sends those that are due, of the partitions that ``restored`` gives, a step at a time.

    Nobody is called by a score record as by a breach: while the records of a step are stored the
    event loop is the others'. Where there is not time enough for all that is due, all are sent less
    often. ``sending`` is held from the making of records until they are stored.
    """

    def __init__(
        self,
        emitter: Emitter,
        restored: Callable[[], Sequence[OwnedPartition]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emitter = emitter
        self._restored = restored
        self._clock = clock
        self._last = -1
        self._step_seconds = STEP_SECONDS
        self._progress = Progress(STUCK_SECONDS)
        self.sending = asyncio.Lock()

    def verify(self) -> None:
        """Raises `Stuck` when for too long no step came to its end."""
        self._progress.verify()

    async def keep_sending(self) -> None:
        """For ever."""
        while True:
            if not await self.send_some():
                await asyncio.sleep(LOOK_SECONDS)

    async def send_some(self) -> bool:
        """One step; whether anything was due."""
        async with self.sending:
            began = self._clock()
            due = list(self._due(began + self._step_seconds))
            messages = [
                Message(record.key.encode(), encode_score(record))
                for record in due
                if record is not None
            ]
            await self._emitter.send(messages)
            between = LEAST_SHARE * (self._clock() - began)
            self._step_seconds = min(max(STEP_SECONDS, between), LONGEST_STEP_SECONDS)
        metrics.SCORES_SENT.inc(len(messages))
        self._progress.made()
        return bool(due)

    def _due(self, until: float) -> Iterator[WrittenScore | None]:
        """Of one partition after the other, beginning behind the one that came last."""
        restored = sorted(self._restored(), key=lambda owned: owned.partition)
        behind = [owned for owned in restored if owned.partition > self._last]
        for owned in [*behind, *restored[: len(restored) - len(behind)]]:
            self._last = owned.partition
            for record in owned.due_scores(MOST_RECORDS):
                yield record
                if self._clock() >= until:
                    return
