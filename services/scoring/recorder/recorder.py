"""The loop that copies: fetch, store rows with their positions, go on.

Positions live in Postgres. A partition is read only after the loop itself has sought to its stored
position: aiokafka hands over records while an assignment is still being worked on, so whatever
comes before that is dropped and read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from services.scoring.recorder import metrics
from services.scoring.recorder.chunks import Chunk, chunks
from services.scoring.recorder.rows import read_record, refuse_whole
from services.scoring.recorder.store import PositionMoved
from shared.runtime.database import backoff, is_refusal, is_transient

log = structlog.get_logger("recorder")

ROWS_PER_TRANSACTION: Final = 20_000
RECORDS_PER_FETCH: Final = 200
FEW_ROWS: Final = 1_000
LINGER_SECONDS: Final = 0.5
FORGET_EVERY_CHUNKS: Final = 2_000


class Store(Protocol):
    """What the loop needs of `MeasurementStore`."""

    async def positions(self, partitions: Iterable[int]) -> dict[int, int]: ...

    async def save(self, chunk: Chunk, expected: dict[int, int]) -> tuple[int, int]: ...

    async def forget_old_batches(self) -> None: ...


class LogRewound(RuntimeError):
    """The broker's log ends before what was copied: it is another broker, or was wiped."""


class Recorder(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Copies one topic until `run` is cancelled."""

    def __init__(self, consumer: AIOKafkaConsumer, store: Store, topic: str) -> None:
        self._consumer = consumer
        self._store = store
        self._topic = topic
        self._positions: dict[int, int] = {}
        self._unpositioned: set[int] = set()
        self._chunks = 0
        self._assigned = False

    def subscribe(self) -> None:
        self._consumer.subscribe([self._topic], listener=self)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for partition in revoked:
            self._positions.pop(partition.partition, None)
            self._unpositioned.discard(partition.partition)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned = True
        self._unpositioned |= {partition.partition for partition in assigned}

    async def run(self) -> None:
        """Raises what no retry can cure, such as `LogRewound`."""
        while True:
            if await self._step() < FEW_ROWS:
                await asyncio.sleep(LINGER_SECONDS)  # few at a time would cost a commit each
            if self._chunks >= FORGET_EVERY_CHUNKS:
                self._chunks = 0
                await self._patiently(self._store.forget_old_batches)

    async def check_assigned(self) -> None:
        """A readiness check: the group has given this recorder its share, and it stands there."""
        if self._unpositioned or not self._assigned:
            raise RuntimeError("no position in the topic yet")

    async def _step(self) -> int:
        """One fetch; returns the number of rows in it."""
        if self._unpositioned:
            await self._patiently(self._take_positions)
        fetched = await self._consumer.getmany(timeout_ms=500, max_records=RECORDS_PER_FETCH)
        values = self._wanted(fetched)
        rows = 0
        records = (read_record(*place, value) for place, value in values.items())
        for chunk in chunks(records, ROWS_PER_TRANSACTION):
            rows += chunk.row_count
            if not await self._save(chunk, values):
                break
        self._measure_lag()
        return rows

    def _wanted(self, fetched: dict[TopicPartition, list[Any]]) -> dict[tuple[int, int], bytes]:
        """Values by (partition, offset), without those of partitions that have no position."""
        return {
            (record.partition, record.offset): record.value
            for records in fetched.values()
            for record in records
            if record.offset >= self._positions.get(record.partition, record.offset + 1)
        }

    async def _save(self, chunk: Chunk, values: dict[tuple[int, int], bytes]) -> bool:
        """False: the positions moved, so what was fetched is to be fetched anew."""
        try:
            await self._patiently(lambda: self._save_once(chunk))
        except PositionMoved as moved:
            log.warning("position_moved", detail=str(moved))
            metrics.MOVED.inc()
            self._reposition()
            return False
        except Exception as error:
            if not is_refusal(error):
                raise
            return await self._save_apart(chunk, values, error)
        return True

    async def _save_apart(
        self, chunk: Chunk, values: dict[tuple[int, int], bytes], error: Exception
    ) -> bool:
        """Postgres refuses something in the chunk: find the record, and set that one aside."""
        for record in chunk.records:
            alone = Chunk([record])
            if len(chunk.records) == 1:
                value = values[record.partition, record.offset]
                alone = Chunk([refuse_whole(record, value, f"refused by Postgres: {error}")])
            if not await self._save(alone, values):
                return False
        return True

    async def _save_once(self, chunk: Chunk) -> None:
        expected = {p: self._positions[p] for p in chunk.partitions if p in self._positions}
        if len(expected) < len(chunk.partitions):
            raise PositionMoved("a partition was taken away since its records were fetched")
        with metrics.TRANSACTION.time():
            rows, duplicates = await self._store.save(chunk, expected)
        for partition, offset in chunk.next_offsets.items():
            if partition in self._positions:  # it may be taken away by now
                self._positions[partition] = offset
        self._count(chunk, rows, duplicates)
        self._chunks += 1

    def _count(self, chunk: Chunk, rows: int, duplicates: int) -> None:
        metrics.ROWS.inc(rows)
        metrics.DUPLICATES.inc(duplicates)
        if duplicates:
            log.warning("duplicate_batches", count=duplicates)
        for record in chunk.records:
            for refusal in record.refusals:
                metrics.REFUSED.inc()
                log.error("measurement_refused", offset=record.offset, reason=refusal.reason)

    async def _patiently(self, action: Callable[[], Awaitable[None]]) -> None:
        """Repeat ``action`` until Postgres and Kafka are there; fetched records stay in memory."""
        for pause in backoff():
            try:
                await action()
            except Exception as error:
                if not (is_transient(error) or isinstance(error, KafkaError)):
                    raise
                log.warning("retrying", error=repr(error))
                metrics.RETRIES.inc()
            else:
                return
            await asyncio.sleep(pause)

    def _reposition(self) -> None:
        self._positions.clear()
        self._unpositioned = {partition.partition for partition in self._consumer.assignment()}

    async def _take_positions(self) -> None:
        wanted = set(self._unpositioned)
        stored = await self._store.positions(wanted)
        bounds = await self._bounds(wanted)
        for partition in wanted & self._unpositioned:  # some may be revoked meanwhile
            begin, end = bounds[partition]
            self._seek(partition, stored[partition], begin, end)
        self._unpositioned -= wanted

    def _seek(self, partition: int, stored: int, begin: int, end: int) -> None:
        if stored > end:
            raise LogRewound(
                f"{self._topic}/{partition} ends at {end}, but {stored} was copied from it before: "
                "this Postgres belongs to another Kafka; use the two together, or empty both"
            )
        if stored < begin:
            metrics.LOST_RECORDS.inc(begin - stored if stored else 0)
            log.error("records_gone", partition=partition, stored=stored, log_begins=begin)
        self._consumer.seek(TopicPartition(self._topic, partition), max(stored, begin))
        self._positions[partition] = stored

    async def _bounds(self, partitions: set[int]) -> dict[int, tuple[int, int]]:
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        begins = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        return {place.partition: (begins[place], ends[place]) for place in places}

    def _measure_lag(self) -> None:
        lag = 0
        for partition, position in self._positions.items():
            end = self._consumer.last_stable_offset(TopicPartition(self._topic, partition))
            lag += max(0, (end or 0) - position)
        metrics.LAG.set(lag)
