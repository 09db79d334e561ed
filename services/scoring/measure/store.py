"""The durable side of one partition: its transactional producer and its changelog.

One transactional id per input partition: starting the producer fences whoever owned the partition
before and ends its open transaction, so only then the changelog is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import RecordMetadata

from services.scoring.core.changelog import Rounds, Tail
from services.scoring.core.engine import Flush, Refused
from shared.contracts.dead_letters import DeadLetter, encode_dead_letter
from shared.contracts.measurements import encode_measurements
from shared.contracts.panes import encode_pane_record
from shared.contracts.topics import (
    INPUTS,
    MEASURE_CHANGELOG,
    MEASUREMENTS,
    PANES,
    partition_of,
)
from shared.runtime.kafka import make_admin, make_consumer, make_producer

log = structlog.get_logger("measure.store")

RESTORE_BATCH: Final = 500
RESTORE_SILENCE_SECONDS: Final = 60.0
TRIM_RECORDS: Final = 2000
FENCE_SECONDS: Final = 60.0
TRANSACTION_SECONDS: Final = 30.0
REQUEST_BYTES: Final = 64 * 1024 * 1024
"""The client measures a record before compression, the broker after it: of names as long as the
contract allows, a record of some thousand rows is tens of MB, and compressed under one."""
DEAD_LETTER_BYTES: Final = 1024 * 1024
"""A larger key or value is left out of its dead letter, which would be refused as too large."""


class RestoreError(RuntimeError):
    """The changelog could not be read to its end."""


class OwnershipLostError(KafkaError):  # type: ignore[misc]  # aiokafka publishes no type for it
    """Another owner has fenced this one, or the producer is beyond use for another reason."""


class PartitionStore:
    """Stores flushes of one input partition atomically, and reads them back."""

    def __init__(self, bootstrap: str, partition: int, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partition = partition
        self._partitions = partitions
        self._changelog = TopicPartition(MEASURE_CHANGELOG.name, partition)
        self._producer: AIOKafkaProducer | None = None
        self._rounds = Rounds()
        self._trimmed = 0

    async def fence(self) -> None:
        """Become the only writer of the partition."""
        self._rounds.interrupt()
        producer = make_producer(
            self._bootstrap,
            transactional_id=f"bellwether-measure-{self._partition}",
            transaction_timeout_ms=round(TRANSACTION_SECONDS * 1000),
            linger_ms=0,
            max_request_size=REQUEST_BYTES,
        )
        try:
            async with asyncio.timeout(FENCE_SECONDS):
                await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def close(self) -> None:
        """Let go; an open transaction is aborted by the broker or by the next owner."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(5):
                    await producer.stop()
            except (TimeoutError, KafkaError) as error:
                log.warning("producer_not_stopped", partition=self._partition, error=repr(error))

    async def read_changelog(self) -> Tail:
        """Read the changelog to its end; the tail holds what a restore needs."""
        consumer = make_consumer(bootstrap=self._bootstrap, group_id=None)
        await consumer.start()
        try:
            consumer.assign([self._changelog])
            await consumer.seek_to_beginning(self._changelog)
            end = (await consumer.end_offsets([self._changelog]))[self._changelog]
            return await self._read_until(consumer, end)
        finally:
            await consumer.stop()

    async def _read_until(self, consumer: Any, end: int) -> Tail:
        tail = Tail()
        silent_since = asyncio.get_running_loop().time()
        position = await consumer.position(self._changelog)
        while position < end:
            batch = await consumer.getmany(timeout_ms=200, max_records=RESTORE_BATCH)
            for messages in batch.values():
                for message in messages:
                    tail.append(message.value)
            reached = await consumer.position(self._changelog)
            now = asyncio.get_running_loop().time()
            if reached > position:
                position, silent_since = reached, now
            elif now - silent_since > RESTORE_SILENCE_SECONDS:
                raise RestoreError(f"changelog of {self._partition} stands at {position} of {end}")
        return tail

    async def store(self, flush: Flush) -> None:
        """Store a flush in one transaction; on any error the engine's state is void.

        The broker gives a transaction up after TRANSACTION_SECONDS, and so do we: aiokafka alone
        would wait for a commit for ever. Raises KafkaError or TimeoutError.
        """
        assert self._producer is not None
        async with asyncio.timeout(TRANSACTION_SECONDS):
            try:
                changelog = await self._transact(self._producer, flush)
            except (AssertionError, IllegalOperation) as error:
                # aiokafka's words for anything that is asked of a producer that was fenced
                raise OwnershipLostError(f"partition {self._partition}: {error}") from error
        if flush.cycle_started:
            await self._trim(changelog)

    async def _transact(self, producer: AIOKafkaProducer, flush: Flush) -> int:
        await producer.begin_transaction()
        try:
            changelog = await self._send_all(flush)
        except BaseException:
            await self._abort(producer)
            raise
        await producer.commit_transaction()
        return changelog

    async def _send_all(self, flush: Flush) -> int:
        """Send everything and wait until each record is stored: a commit reports no refusal of a
        single record. Returns the offset of the first changelog record."""
        changelog = [
            await self._send(MEASURE_CHANGELOG.name, record, self._partition)
            for record in flush.changelog
        ]
        others = await self._send_panes(flush)
        others += [
            await self._send(MEASUREMENTS.name, encode_measurements(batch), self._partition)
            for batch in flush.measurements
        ]
        others += [await self._send_dead(letter) for letter in flush.dead_letters]
        stored = await asyncio.gather(*changelog, *others)
        first: RecordMetadata = stored[0]
        return int(first.offset)

    async def _send_panes(self, flush: Flush) -> list[Awaitable[RecordMetadata]]:
        """An update says how far its source has come; where none goes, a watermark does."""
        sent = []
        silent = set(range(self._partitions))
        for group, value in flush.panes:
            place = partition_of(group, self._partitions)
            silent.discard(place)
            sent.append(await self._send(PANES.name, value, place, group.encode()))
        mark = encode_pane_record(flush.watermark)
        sent += [await self._send(PANES.name, mark, place) for place in silent]
        return sent

    async def _send(
        self, topic: str, value: bytes, partition: int, key: bytes | None = None
    ) -> Awaitable[RecordMetadata]:
        assert self._producer is not None
        future: asyncio.Future[RecordMetadata] = await self._producer.send(
            topic, value, key, partition=partition
        )
        future.add_done_callback(_take_note)  # of a failed flush only the first error is reported
        return future

    async def _send_dead(self, letter: Refused) -> Awaitable[RecordMetadata]:
        source = INPUTS[letter.topic]
        assert source.dead_letters is not None
        record = DeadLetter(
            topic=source.name,
            partition=self._partition,
            offset=letter.offset,
            reason=letter.reason,
            detail=letter.detail,
            key=_within_limit(letter.key),
            value=_within_limit(letter.value),
        )
        value = encode_dead_letter(record)
        return await self._send(source.dead_letters, value, self._partition, record.key)

    async def _abort(self, producer: AIOKafkaProducer) -> None:
        try:
            async with asyncio.timeout(5):
                await producer.abort_transaction()
        except (TimeoutError, KafkaError, AssertionError) as error:
            # The next owner's fencing ends the transaction; the first error is the one to report.
            log.warning("transaction_not_aborted", partition=self._partition, error=repr(error))

    async def _trim(self, cycle_start: int) -> None:
        """Delete what a completed round of slices has made superfluous, some records at a time."""
        obsolete = self._rounds.begin(cycle_start)
        if obsolete is None or obsolete - self._trimmed < TRIM_RECORDS:
            return
        admin = make_admin(self._bootstrap)
        try:
            await admin.start()
            await admin.delete_records({self._changelog: RecordsToDelete(before_offset=obsolete)})
            self._trimmed = obsolete
        except KafkaError as error:
            # Nothing depends on it: a longer changelog only restores more slowly.
            log.warning("changelog_not_trimmed", partition=self._partition, error=repr(error))
        finally:
            await admin.close()


def _within_limit(content: bytes | None) -> bytes | None:
    return None if content is None or len(content) > DEAD_LETTER_BYTES else content


def _take_note(future: asyncio.Future[RecordMetadata]) -> None:
    if not future.cancelled():
        future.exception()
