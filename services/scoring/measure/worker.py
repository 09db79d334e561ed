"""One input partition at work: restore, read, flush, and begin again after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from services.scoring.core.changelog import Tail
from services.scoring.core.engine import Engine, Flush, Record
from services.scoring.core.rules import RuleHistory
from services.scoring.core.stream_time import partition_time
from services.scoring.measure import metrics
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.store import PartitionStore
from shared.contracts.topics import INPUTS

log = structlog.get_logger("measure.worker")


class PartitionWorker:
    """The engine of one input partition and its store."""

    def __init__(
        self,
        partition: int,
        rules: RuleHistory,
        store: PartitionStore,
        policy: FlushPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.partition = partition
        self.ready = False
        self._rules = rules
        self._store = store
        self._policy = policy
        self._clock = clock
        self._wall_clock = wall_clock
        self._last_flush = 0.0
        self._engine = self._new_engine()

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
        engine = self._new_engine()
        for record in tail.take():
            engine.restore([record])
            await asyncio.sleep(0)
        engine.finish_restore()
        return engine

    async def stop(self) -> None:
        """Let go without flushing."""
        self.ready = False
        await self._store.close()

    def process(self, topic: int, records: Iterable[Record]) -> None:
        """Take records of one input topic."""
        self._engine.process(topic, records)

    def pass_time(self, *, caught_up: bool) -> None:
        """Let time come as far as it has, whether or not a record says so."""
        engine, now_ms = self._engine, round(self._wall_clock() * 1000)
        engine.advance(
            partition_time(engine.stream_ms, engine.watermark_ms, now_ms, caught_up=caught_up)
        )

    def is_due(self) -> bool:
        """Whether to flush now."""
        return self._policy.due(self._clock(), self._last_flush, self._to_book)

    def wait(self, idle: float) -> float:
        """Seconds until a flush may be due."""
        return self._policy.wait(self._clock(), self._last_flush, self._to_book, idle)

    @property
    def _to_book(self) -> int:
        """Records that were read; a deadline that has passed is like one."""
        return self._engine.pending_events + self._engine.has_due

    async def flush(self, *, caught_up: bool) -> None:
        """Book and store what was read; after an exception the worker must start anew."""
        if not (self.ready and self._to_book):
            return
        self._last_flush = self._clock()
        flush = self._engine.flush(caught_up=caught_up)
        await self._store.store(flush)
        self._report(flush)

    def _new_engine(self) -> Engine:
        return Engine(self.partition, self._rules, len(INPUTS))

    def _report(self, flush: Flush) -> None:
        counts = flush.counts
        metrics.FLUSH_SECONDS.observe(self._clock() - self._last_flush)
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
        metrics.DEADLINES.labels(self.partition).inc(counts.deadlines)
        metrics.STREAM_TIME.labels(self.partition).set(self._engine.stream_ms / 1000)
        metrics.WATERMARK.labels(self.partition).set(self._engine.watermark_ms / 1000)
