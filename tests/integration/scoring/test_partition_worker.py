"""A partition is taken away in the middle of a flush: what is stored and what is not is clear."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from aiokafka.errors import KafkaError

from services.scoring.core.engine import Engine, Flush
from services.scoring.measure import store as store_module
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.store import PartitionStore
from services.scoring.measure.worker import PartitionWorker
from services.scoring.rule_files import load_rules
from shared.contracts.topics import INPUTS, MEASURE_CHANGELOG, MEASUREMENTS, PANES, TICKETS
from shared.runtime.kafka import ensure_topics
from tests.oracle.ticket_stream import ticket_stream

pytestmark = pytest.mark.integration

PARTITIONS = 6
SHARE = 50
"""Events in a flush."""
TICKETS_HELD = 200
"""Ten slices of a round."""


class Message(NamedTuple):
    """What a worker needs of a consumer's record."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


@pytest.fixture
async def messages(kafka: str) -> list[Message]:
    """What is of the topic `tickets` in a stream, as if all of it lay in one partition."""
    await ensure_topics(kafka, [MEASURE_CHANGELOG, PANES, MEASUREMENTS], PARTITIONS, 1)
    events = [sent for sent in ticket_stream(600, seed=41) if sent.topic == TICKETS.name]
    return [
        Message(offset, 4_000_000_000_000, sent.ticket.encode(), sent.value)
        for offset, sent in enumerate(events)
    ]


async def owner(kafka: str, partition: int) -> PartitionWorker:
    """A worker that has just taken the partition over."""
    store = PartitionStore(kafka, partition, PARTITIONS)
    worker = PartitionWorker(partition, load_rules(None), store, FlushPolicy())
    await worker.start()
    worker.ready = True
    return worker


def read(worker: PartitionWorker, messages: Sequence[Message]) -> None:
    """Let a worker read these, and process them."""
    worker.take(0, messages)
    worker.process([0] * len(INPUTS))


@pytest.mark.parametrize("pause", [0.0, 0.001, 0.004, 0.01, 0.03])
async def test_a_worker_stopped_in_a_flush_has_stored_all_of_it_or_nothing(
    kafka: str, messages: Sequence[Message], pause: float
) -> None:
    worker = await owner(kafka, partition=0)
    begin = worker.positions[0]
    read(worker, messages[begin : begin + SHARE])
    worker.begin_flush(caught_up=True)
    await asyncio.sleep(pause)
    async with asyncio.timeout(60):
        await worker.stop()
        heir = await owner(kafka, partition=0)
    assert heir.positions[0] in (begin, begin + SHARE)
    await heir.stop()


async def test_handing_over_stores_what_was_read_while_a_flush_was_under_way(
    kafka: str, messages: Sequence[Message]
) -> None:
    worker = await owner(kafka, partition=2)
    read(worker, messages[:SHARE])
    worker.begin_flush(caught_up=False)
    read(worker, messages[SHARE : 3 * SHARE])
    await worker.flush_all(caught_up=True)
    await worker.stop()
    heir = await owner(kafka, partition=2)
    assert heir.positions[0] == 3 * SHARE
    await heir.stop()


async def test_a_flush_that_the_new_owner_has_fenced_off_is_stored_nowhere(
    kafka: str, messages: Sequence[Message]
) -> None:
    late = await owner(kafka, partition=1)
    read(late, messages[:SHARE])
    heir = await owner(kafka, partition=1)
    with pytest.raises(KafkaError):
        await late.flush_all(caught_up=True)
    read(heir, messages[: 2 * SHARE])
    await heir.flush_all(caught_up=True)
    await late.stop()
    await heir.stop()
    after = await owner(kafka, partition=1)
    assert after.positions[0] == 2 * SHARE
    await after.stop()
    gc.collect()  # futures of the fenced producer complain when they go: let it be here


class WatchedStore(PartitionStore):
    """Tells how many flushes of the round under way were stored."""

    stored = 0

    async def store(self, flush: Flush) -> None:
        await super().store(flush)
        self.stored = 1 if flush.cycle_started else self.stored + 1

    async def tickets(self) -> int:
        """How many tickets a restore finds."""
        engine = Engine(0, load_rules(None), len(INPUTS))
        engine.restore((await self.read_changelog()).take())
        return engine.tickets


async def test_what_an_interrupted_round_has_not_stated_again_is_not_deleted(
    kafka: str, messages: Sequence[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    del messages  # they come with the topics
    monkeypatch.setattr(store_module, "TRIM_RECORDS", 1)
    store = WatchedStore(kafka, 4, PARTITIONS)
    worker = PartitionWorker(4, load_rules(None), store, FlushPolicy())
    await worker.start()
    read(worker, [_opening(number) for number in range(TICKETS_HELD)])
    tickets, rounds = TICKETS_HELD, 0
    while rounds < 4 or store.stored < 2:
        read(worker, [_opening(tickets)])
        await worker.flush_all(caught_up=True)
        tickets, rounds = tickets + 1, rounds + (store.stored == 1)
    await worker.stop()
    await worker.start()  # as after a flush that was not stored
    read(worker, [_opening(tickets)])
    await worker.flush_all(caught_up=True)
    assert await store.tickets() == tickets + 1
    await worker.stop()


async def test_a_flush_full_of_the_longest_names_is_stored(kafka: str) -> None:
    """Far more than a request may hold by default, though little once it is compressed."""
    worker = await owner(kafka, partition=3)
    read(worker, _long_winded(1500))
    await worker.flush_all(caught_up=True)
    await worker.stop()
    heir = await owner(kafka, partition=3)
    assert heir.positions[0] == 1500
    await heir.stop()


def _long_winded(count: int) -> list[Message]:
    names = {
        part: [f"{part}{n}" + "名" * 180 for n in range(20)]
        for part in ("department", "team", "employee", "channel", "category")
    }
    return [
        _opening(
            number,
            ticket=f"T-{number}" + "号" * 180,
            data={part: choices[number % 20] for part, choices in names.items()},
        )
        for number in range(count)
    ]


def _opening(number: int, ticket: str = "", data: dict[str, str] | None = None) -> Message:
    """The ticket of this number is opened."""
    subject = ticket or f"T-{number}"
    event = {
        "specversion": "1.0",
        "id": subject,
        "source": "long-winded",
        "type": "ticket.opened",
        "subject": subject,
        "time": "2026-03-04T02:00:00Z",
        "receivedtime": "2026-03-04T02:00:00Z",
        "data": data or {},
    }
    return Message(number, 0, subject.encode(), json.dumps(event).encode())
