"""Who is woken by a change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from services.notify.alert_store import AlertStore
from services.notify.bell import Bell, listen
from services.notify.main import HERE, SCHEMA
from shared.runtime.database import Database
from shared.runtime.postgres import load_queries
from tests.integration.notify.running_notify import breach, cleared

pytestmark = pytest.mark.integration

NOW = datetime(2026, 1, 2, tzinfo=UTC)
QUERIES = load_queries(HERE / "queries")


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


def replica(database: Database, name: str) -> AlertStore:
    return AlertStore(database, QUERIES, UTC, name)


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
