"""Sends a stream into the input topics bit by bit, beside whatever else the test does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.runtime.kafka import make_producer, started
from tests.oracle.ticket_stream import Sent

BATCH: Final = 100
PAUSE_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 120.0


class Feeder:
    """A context manager. What `allow` lets through is sent in order of arrival, until the broker
    has accepted each record; what it did not accept is sent once more, as a source would."""

    def __init__(self, bootstrap: str, stream: Sequence[Sent]) -> None:
        self._bootstrap = bootstrap
        self._stream = stream
        self._allowed = 0
        self._leave = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feeder")
        self.sent = 0
        """Records that were accepted."""

    def allow(self, share: float) -> None:
        """Let through so much more of the whole stream, at most all of it."""
        more = round(share * len(self._stream))
        self._allowed = min(len(self._stream), self._allowed + more)

    def finish(self) -> None:
        """Send all that is left, and wait until it was accepted."""
        self._allowed = len(self._stream)
        self._thread.join(PATIENCE_SECONDS)
        if self._failure is not None:
            raise self._failure
        assert self.sent == len(self._stream), f"{self.sent} of {len(self._stream)} were accepted"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._feed())
        except BaseException as error:
            self._failure = error

    async def _feed(self) -> None:
        producer = await self._new_producer()
        try:
            while self.sent < len(self._stream) and not self._leave.is_set():
                batch = self._stream[self.sent : min(self._allowed, self.sent + BATCH)]
                producer = await self._deliver(producer, batch)
                self.sent += len(batch)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await producer.stop()

    async def _deliver(self, producer: AIOKafkaProducer, batch: Sequence[Sent]) -> AIOKafkaProducer:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while batch and not self._leave.is_set():
                batch = await _send(producer, batch)
                if batch:
                    await producer.stop()
                    producer = await self._new_producer()
        return producer

    async def _new_producer(self) -> AIOKafkaProducer:
        def make() -> AIOKafkaProducer:
            return make_producer(self._bootstrap, linger_ms=5)

        producer: AIOKafkaProducer = await started(make, patience=PATIENCE_SECONDS)
        return producer


async def _send(producer: AIOKafkaProducer, batch: Sequence[Sent]) -> list[Sent]:
    """Returns what was not accepted."""

    async def one(record: Sent) -> Sent | None:
        try:
            await producer.send_and_wait(record.topic, record.value, record.ticket.encode())
        except KafkaError:
            return record
        return None

    refused = await asyncio.gather(*map(one, batch))
    return [record for record in refused if record is not None]
