"""One input partition at work: restore, read, flush, and begin again after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import structlog

from services.scoring.core.changelog import Tail
from services.scoring.core.engine import Engine, Flush, Record
from services.scoring.core.rules import RuleHistory
from services.scoring.measure import metrics
from services.scoring.measure.alignment import Alignment
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.store import PartitionStore
from shared.contracts.topics import INPUTS

log = structlog.get_logger("measure.worker")

HELD_SECONDS: Final = 0.05
"""How soon to look again when records wait for another topic."""


class PartitionWorker:
    """The engine of one input partition and its store."""

    def __init__(
        self,
        partition: int,
        rules: RuleHistory,
        store: PartitionStore,
        policy: FlushPolicy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.partition = partition
        self.ready = False
        self._rules = rules
        self._store = store
        self._policy = policy
        self._clock = clock
        self._last_flush = 0.0
        self._engine = self._new_engine()
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

    def wanted(self) -> Iterator[int]:
        """The input topics to read from next."""
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
            self._engine.process(topic, _records(messages))

    def is_due(self) -> bool:
        """Whether to flush now."""
        return self._policy.due(self._clock(), self._last_flush, self._engine.pending_events)

    def wait(self, idle: float) -> float:
        """Seconds until a flush may be due."""
        pending = self._engine.pending_events
        idle = min(idle, HELD_SECONDS) if self._alignment.holds else idle
        return self._policy.wait(self._clock(), self._last_flush, pending, idle)

    async def flush(self, *, caught_up: bool) -> None:
        """Book and store what was read; after an exception the worker must start anew."""
        if not self._engine.has_pending:
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
        metrics.WATERMARK.labels(self.partition).set(self._engine.watermark_ms / 1000)


def _records(messages: Iterable[Any]) -> Iterator[Record]:
    return (Record(m.offset, m.timestamp, m.key, m.value) for m in messages)
