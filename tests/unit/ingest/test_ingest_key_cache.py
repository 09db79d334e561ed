"""The copy of the keys in memory, on a database that can be away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.ingest.core.keys import digest
from services.ingest.key_store import KeyCache
from tests.unit.ingest.samples import NOW
from tests.unit.runtime.waiting import until


class Database:
    """Answers the one query of the cache."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.away = False
        self.reads = 0

    async def fetch(self, _query: str) -> list[dict[str, Any]]:
        self.reads += 1
        if self.away:
            raise ConnectionRefusedError
        return [
            {"id": n, "digest": digest(key), "sources": ["*"], "expires_at": None}
            for n, key in enumerate(self.keys)
        ]


@asynccontextmanager
async def caching(database: Any, refresh_seconds: float = 60) -> AsyncIterator[KeyCache]:
    cache = KeyCache(database, refresh_seconds, now=lambda: NOW)
    await cache.start()
    yield cache
    await cache.stop()


async def test_a_known_key_costs_no_read() -> None:
    database = Database("a")
    async with caching(database) as cache:
        for _ in range(100):
            assert await cache.find("a") is not None
    assert database.reads == 1


async def test_a_key_that_was_added_a_moment_ago_is_found() -> None:
    database = Database()
    async with caching(database) as cache:
        database.keys.append("new")
        assert await cache.find("new") is not None


async def test_many_wrong_keys_at_once_cause_one_read() -> None:
    database = Database("a")
    async with caching(database) as cache:
        found = await asyncio.gather(*(cache.find(f"wrong-{n}") for n in range(200)))
    assert not any(found)
    assert database.reads == 2


async def test_a_revoked_key_ends_with_the_next_refresh() -> None:
    database = Database("a")
    async with caching(database, refresh_seconds=0.01) as cache:
        database.keys.clear()
        reads = database.reads
        await until(lambda: database.reads > reads + 1)
        assert await cache.find("a") is None


async def test_keys_stay_in_force_while_the_database_is_away() -> None:
    database = Database("a")
    async with caching(database, refresh_seconds=0.01) as cache:
        database.away = True
        reads = database.reads
        await until(lambda: database.reads > reads + 2)
        assert await cache.find("a") is not None
        assert await cache.find("b") is None
        database.away = False
        database.keys.append("b")
        assert await cache.find("b") is not None


async def test_a_cache_that_is_no_longer_refreshed_is_not_alive() -> None:
    async with caching(Database()) as cache:
        await cache.alive()
    with pytest.raises(RuntimeError, match="not refreshed"):
        await cache.alive()
