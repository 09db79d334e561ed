"""Measurements in Postgres: rows and positions in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from services.scoring.recorder.chunks import Chunk
from services.scoring.recorder.days import DayPartition, partition_of_day
from services.scoring.recorder.rows import COLUMNS, BatchId
from shared.runtime.database import Database, PooledConnection

COPY_TIMEOUT: Final = 60.0
BATCHES_REMEMBERED: Final = 100_000


class PositionMoved(Exception):
    """What was to be stored does not begin where the stored rows end: another recorder stored
    meanwhile, or an earlier commit succeeded though its answer was lost."""


class MeasurementStore:
    """The tables of the recorder for one topic. Errors are asyncpg's."""

    def __init__(self, database: Database, topic: str, queries: Mapping[str, str]) -> None:
        self._database = database
        self._topic = topic
        self._sql = queries
        self._days: set[int] = set()

    async def positions(self, partitions: Iterable[int]) -> dict[int, int]:
        """The next offset of each partition; 0 for one that was never copied."""
        wanted = sorted(partitions)
        async with self._database.pool.acquire() as connection:
            await connection.execute(self._sql["recorder_claim_offsets"], self._topic, wanted)
            rows = await connection.fetch(self._sql["recorder_read_offsets"], self._topic, wanted)
        return {row["partition"]: row["next_offset"] for row in rows}

    async def save(self, chunk: Chunk, expected: Mapping[int, int]) -> tuple[int, int]:
        """Store a chunk whose partitions stand at ``expected``; all of it or nothing.

        Returns how many rows were stored and how many batches had been stored before. Raises
        `PositionMoved` when a partition stands elsewhere.
        """
        await self._make_days(chunk.days)
        async with self._database.pool.acquire() as connection, connection.transaction():
            await self._lock(connection, chunk, expected)
            fresh = await self._register(connection, chunk)
            rows = chunk.rows_of(fresh)
            if rows:
                await connection.copy_records_to_table(
                    "measurements", records=rows, columns=COLUMNS, timeout=COPY_TIMEOUT
                )
            await self._refuse(connection, chunk)
            await self._advance(connection, chunk.next_offsets)
        return len(rows), len(chunk.batches) - len(fresh)

    async def forget_old_batches(self) -> None:
        """Keep the newest batches of each source only."""
        await self._database.pool.execute(
            self._sql["recorder_forget_batches"], self._topic, BATCHES_REMEMBERED
        )

    async def _lock(
        self, connection: PooledConnection, chunk: Chunk, expected: Mapping[int, int]
    ) -> None:
        rows = await connection.fetch(
            self._sql["recorder_lock_offsets"], self._topic, chunk.partitions
        )
        stored = {row["partition"]: row["next_offset"] for row in rows}
        assumed = {partition: expected[partition] for partition in chunk.partitions}
        if stored != assumed:
            raise PositionMoved(f"stored {stored}, assumed {assumed}")

    async def _register(self, connection: PooledConnection, chunk: Chunk) -> set[BatchId]:
        batches = chunk.batches
        rows = await connection.fetch(
            self._sql["recorder_register_batches"],
            self._topic,
            [batch.source for batch in batches],
            [batch.revision for batch in batches],
            [batch.part for batch in batches],
        )
        return {BatchId(row["source"], row["revision"], row["part"]) for row in rows}

    async def _refuse(self, connection: PooledConnection, chunk: Chunk) -> None:
        refused = [
            (self._topic, record.partition, record.offset, refusal.reason, refusal.content)
            for record in chunk.records
            for refusal in record.refusals
        ]
        if refused:
            await connection.executemany(self._sql["recorder_refuse"], refused)

    async def _advance(self, connection: PooledConnection, offsets: Mapping[int, int]) -> None:
        await connection.execute(
            self._sql["recorder_advance_offsets"],
            self._topic,
            list(offsets),
            list(offsets.values()),
        )

    async def _make_days(self, days: set[int]) -> None:
        missing = days - self._days
        if not missing:
            return
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('measurement days'))")
            for day in sorted(missing):
                await _make_day(connection, partition_of_day(day))
        self._days |= missing


async def _make_day(connection: PooledConnection, day: DayPartition) -> None:
    """Attached rather than created in place: that would lock readers out."""
    if await connection.fetchval("SELECT to_regclass($1)", day.table) is not None:
        return
    await connection.execute(
        f"CREATE TABLE {day.table} (LIKE measurements INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    )
    await connection.execute(
        f"ALTER TABLE measurements ATTACH PARTITION {day.table} "
        f"FOR VALUES FROM ({day.start_ms}) TO ({day.end_ms})"
    )
