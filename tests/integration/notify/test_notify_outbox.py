"""What is due, and who is woken for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from services.notify.alert_store import AlertStore
from services.notify.bell import Bell, listen
from services.notify.core.retry import Delivered, Outcome
from services.notify.main import HERE, SCHEMA
from services.notify.outbox import Attempt, Delivery, Outbox
from shared.runtime.database import Database
from shared.runtime.postgres import load_queries
from tests.integration.notify.running_notify import breach, cleared

pytestmark = pytest.mark.integration

NOW = datetime(2026, 1, 2, tzinfo=UTC)
QUERIES = load_queries(HERE / "queries")
LEASE = 1000.0


class CountingBell(Bell):
    def __init__(self) -> None:
        super().__init__()
        self.rings = 0

    def ring(self) -> None:
        self.rings += 1
        super().ring()


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, schema=SCHEMA, migrations=HERE / "migrations")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def told(dsn: str, *endpoints: str) -> AsyncIterator[tuple[Database, Outbox]]:
    """An outbox, and the endpoints that alerts are told to."""
    async with opened(dsn) as database:
        for name in endpoints:
            await add_endpoint(database, name)
        yield database, Outbox(database, QUERIES, LEASE)


def replica(database: Database, name: str) -> AlertStore:
    return AlertStore(database, QUERIES, UTC, name)


async def add_endpoint(database: Database, name: str) -> None:
    await database.pool.execute(QUERIES["add_endpoint"], name, "http://127.0.0.1/", "", None, "me")


async def rung(bell: CountingBell, times: int) -> None:
    async with asyncio.timeout(10):
        while bell.rings < times:
            await bell.wait(1)


async def test_a_replica_is_woken_by_the_changes_of_others_and_not_by_its_own(
    database: str,
) -> None:
    async with opened(database) as opened_database:
        bell = CountingBell()
        listening = asyncio.create_task(listen(opened_database, SCHEMA, [bell], "own"))
        await rung(bell, 1)  # when it begins to listen
        assert await replica(opened_database, "own").apply(breach(), 0, NOW)
        assert await replica(opened_database, "other").apply(cleared(), 0, NOW)
        await rung(bell, 2)
        assert await replica(opened_database, "other").apply(breach(2), 0, NOW)
        await rung(bell, 3)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert bell.rings == 3


async def test_the_next_delivery_is_one_that_waits_for_no_earlier_one(database: str) -> None:
    async with told(database, "one", "two") as (opened_database, outbox):
        assert await outbox.seconds_to_next() is None
        store = replica(opened_database, "own")
        await store.apply(breach(), 0, NOW)
        await store.apply(cleared(), 0, NOW)
        seconds = await outbox.seconds_to_next()
        assert seconds is not None
        assert seconds <= 0
        claimed = await outbox.claim(8, {})
        assert sorted((d.endpoint_id, d.transition) for d in claimed) == [
            ("one", "opened"),
            ("two", "opened"),
        ]
        assert await outbox.seconds_to_next() == pytest.approx(LEASE, abs=30)
        assert await outbox.count_pending() == 4


async def test_what_an_endpoint_that_is_switched_off_is_to_be_told_is_never_due(
    database: str,
) -> None:
    async with told(database, "one") as (opened_database, outbox):
        await replica(opened_database, "own").apply(breach(), 0, NOW)
        await opened_database.pool.execute(QUERIES["disable_endpoint"], "one", NOW, "a test")
        assert await outbox.seconds_to_next() is None
        assert await outbox.count_pending() == 1


async def test_recording_an_attempt_tells_whether_more_is_due_for_the_endpoint(
    database: str,
) -> None:
    async with told(database, "one") as (opened_database, outbox):
        store = replica(opened_database, "own")
        await store.apply(breach(), 0, NOW)
        await store.apply(breach(2), 0, NOW)
        await store.apply(cleared(), 0, NOW)
        first, second = await outbox.claim(8, {})
        assert await outbox.record(delivered(second), Delivered())
        assert await outbox.record(delivered(first), Delivered())
        (last,) = await outbox.claim(8, {})
        assert not await outbox.record(delivered(last), Delivered())
        assert await outbox.record(delivered(last), Delivered())  # it was recorded: who knows


def delivered(delivery: Delivery) -> Attempt:
    return Attempt(delivery, NOW, 1, Outcome(204))
