"""One input partition at work: restore, read, flush, and begin again after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import structlog

from services.scoring.core.changelog import Tail
from services.scoring.core.engine import Engine, Flush
from services.scoring.core.rules import RuleHistory
from services.scoring.core.stream_time import partition_time
from services.scoring.measure import metrics
from services.scoring.measure.alignment import Alignment
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.scratch_files import USUAL, ScratchFiles
from services.scoring.measure.store import PartitionStore
from shared.contracts.topics import INPUTS

log = structlog.get_logger("measure.worker")

SOON_SECONDS: Final = 0.01
"""How soon to look again while a flush is stored, or records wait for another topic."""
JOINING_SHARE: Final = 0.5
"""Of its interval must have passed when a partition flushes because another one does."""
SMOOTHING: Final = 0.2
"""How much the last flush counts for how long one takes to store."""


class PartitionWorker:
    """The engine of one input partition and its store."""

    def __init__(
        self,
        partition: int,
        rules: RuleHistory,
        store: PartitionStore,
        policy: FlushPolicy,
        *,
        scratch_files: ScratchFiles = USUAL,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.partition = partition
        self.ready = False
        self._rules = rules
        self._store = store
        self._policy = policy
        self._scratch_files = scratch_files
        self._pace = policy.calm
        self._store_seconds = 0.0
        self._clock = clock
        self._wall_clock = wall_clock
        self.last_flush = 0.0
        self._storing: asyncio.Task[None] | None = None
        self._storing_events = 0
        # Made in the listener of a rebalance, of which aiokafka only logs what it raises: the file
        # comes with `start`.
        self._engine = Engine(partition, rules, len(INPUTS))
        self._alignment = Alignment(len(INPUTS))
        self._read = [0] * len(INPUTS)

    @property
    def positions(self) -> list[int]:
        """The next offset to read of each input topic."""
        return self._engine.positions

    async def start(self) -> None:
        """Fence the previous owner, then rebuild the state; afterwards seek to `positions`."""
        started = self._clock()
        self.ready = False
        await self._store.fence()
        tail = await self._store.read_changelog()
        records = len(tail)
        self._engine = await self._rebuilt(tail)
        self._alignment = Alignment(len(INPUTS))
        self._read = list(self._engine.positions)
        engine = self._engine
        seconds = self._clock() - started
        metrics.RESTORE_SECONDS.labels(self.partition).set(seconds)
        log.info(
            "partition_restored",
            partition=self.partition,
            records=records,
            tickets=engine.tickets,
            positions=engine.positions,
            seconds=round(seconds, 3),
        )

    async def _rebuilt(self, tail: Tail) -> Engine:
        """Heartbeats go on meanwhile: the loop is given back after every record."""
        with self._scratch_files.new() as file:
            engine = Engine(self.partition, self._rules, len(INPUTS), file)
        for record in tail.take():
            engine.restore([record])
            await asyncio.sleep(0)
        engine.finish_restore()
        return engine

    def skip_to(self, begins: Sequence[int]) -> None:
        """Read on from where the topics begin by now, if that is further: what they held before has
        expired, and nothing would come that says so."""
        before = self._engine.positions
        self._engine.positions = [max(pair) for pair in zip(before, begins, strict=True)]
        self._read = list(self._engine.positions)
        if self._engine.positions != before:
            log.warning("records_expired", partition=self.partition, unread=before, begins=begins)

    async def stop(self) -> None:
        """Let go without flushing; a transaction under way is aborted, so that it does not wait for
        ever for its producer."""
        self.ready = False
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)
        await self._store.close()

    def wanted(self) -> Iterator[int]:
        """The input topics to read from next; none while a whole flush waits for its turn."""
        if self._pace.is_full(self._engine.pending_events):
            return iter(())
        return self._alignment.wanted()

    def take(self, topic: int, messages: Sequence[Any]) -> None:
        """Take records of one input topic; they are processed when the others are as far."""
        self._alignment.add(topic, messages)
        self._read[topic] = messages[-1].offset + 1

    def process(self, ends: Sequence[int | None]) -> None:
        """Process what no other topic holds up; ``ends`` is where each topic ends at the broker,
        as far as it is known."""
        more = [end is None or end > read for end, read in zip(ends, self._read, strict=True)]
        for topic, messages in self._alignment.take(more, self._clock()):
            self._engine.process(topic, messages)
        unread = zip(ends, self._read, strict=True)
        waiting = sum(max(0, (end or 0) - read) for end, read in unread)
        self._pace = self._policy.pace(waiting, self._store_seconds)

    def pass_time(self, *, caught_up: bool) -> None:
        """Let time come as far as it has, whether or not a record says so."""
        engine, now_ms = self._engine, round(self._wall_clock() * 1000)
        engine.advance(
            partition_time(engine.stream_ms, engine.watermark_ms, now_ms, caught_up=caught_up)
        )

    def is_due(self) -> bool:
        """Whether to flush now; one flush is stored at a time."""
        if self._storing is not None:
            return False
        return self._pace.due(self._clock(), self.last_flush, self._to_book)

    def may_join(self) -> bool:
        """Whether to flush because another partition does. Not who is behind: smaller flushes cost
        more."""
        if self._storing is not None or self._pace is self._policy.behind:
            return False
        return self._pace.due(self._clock(), self.last_flush, self._to_book, JOINING_SHARE)

    def wait(self, idle: float) -> float:
        """Seconds until there may be something to do."""
        if self._storing is not None or self._alignment.holds:
            return min(idle, SOON_SECONDS)
        return self._pace.wait(self._clock(), self.last_flush, self._to_book, idle)

    @property
    def _to_book(self) -> int:
        """Records that were read; a deadline that has passed, or much time, is like one."""
        engine = self._engine
        return engine.pending_events + (engine.has_due or engine.has_come_far)

    def begin_flush(self, *, caught_up: bool) -> None:
        """Book what was read and begin to store it. What is read meanwhile is booked by the next
        flush; when this one cannot be stored, the worker must start anew."""
        self.last_flush = self._clock()
        flush = self._engine.flush(caught_up=caught_up)
        self._storing = asyncio.create_task(
            self._store_flush(flush, self.last_flush), name=f"flush-{self.partition}"
        )
        self._storing_events = flush.counts.events

    @property
    def storing(self) -> int:
        """How many events the flush has that is being stored."""
        return 0 if self._storing is None else self._storing_events

    def failure(self) -> BaseException | None:
        """Why the last flush was not stored; None while it is being stored, or when it was."""
        if self._storing is None or not self._storing.done():
            return None
        storing, self._storing = self._storing, None
        return storing.exception()

    async def flush_all(self, *, caught_up: bool) -> None:
        """Store everything that was read; raises what a store raised. Of very many deadlines one
        turn is booked: the next owner finds the others."""
        has_more = self._to_book > 0
        while self._storing is not None or self._engine.has_pending or has_more:
            if self._storing is None:
                self.begin_flush(caught_up=caught_up)
                has_more = False
            assert self._storing is not None
            await asyncio.wait([self._storing])
            error = self.failure()
            if error is not None:
                raise error

    async def _store_flush(self, flush: Flush, began: float) -> None:
        await self._store.store(flush)
        seconds = self._clock() - began
        # One that waited for a broker to come back says little of the next.
        usual = min(seconds, self._policy.behind.interval)
        self._store_seconds += SMOOTHING * (usual - self._store_seconds)
        self._report(flush, seconds)

    def _report(self, flush: Flush, seconds: float) -> None:
        counts = flush.counts
        metrics.FLUSH_SECONDS.observe(seconds)
        metrics.EVENTS.labels(self.partition).inc(counts.events)
        metrics.DUPLICATES.labels(self.partition).inc(counts.duplicates)
        for reason, count in counts.dead_letters.items():
            metrics.DEAD_LETTERS.labels(reason).inc(count)
            log.warning("dead_lettered", partition=self.partition, reason=reason, records=count)
        for kind, count in counts.anomalies.items():
            metrics.ANOMALIES.labels(kind).inc(count)
        rows = sum(len(batch.rows) for batch in flush.measurements)
        metrics.MEASUREMENTS.labels(self.partition).inc(rows)
        metrics.TICKETS.labels(self.partition).set(self._engine.tickets)
        metrics.SCRATCH.labels(self.partition).set(self._engine.scratch_bytes)
        metrics.DEADLINES.labels(self.partition).inc(counts.deadlines)
        metrics.STREAM_TIME.labels(self.partition).set(self._engine.stream_ms / 1000)
        metrics.WATERMARK.labels(self.partition).set(self._engine.watermark_ms / 1000)
