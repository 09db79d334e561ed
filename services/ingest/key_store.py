"""API keys in Postgres, and a copy of those in force in memory.

The copy is read anew every few seconds, and at once (though not more often than a few times a
second) when a key is not in it: a new key works immediately, a revoked one ends within seconds.
While Postgres is away the copy stays in force.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import structlog

from services.ingest import metrics
from services.ingest.core.keys import KeyRing, SourceKey, digest
from shared.runtime.postgres import Connection, Pool, load_queries

log = structlog.get_logger("keys")

SCHEMA = "ingest"
MIGRATIONS = Path(__file__).parent / "migrations"
QUERIES = load_queries(Path(__file__).parent / "queries")
DATABASE_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

_EAGERNESS = 0.25


class KeyNotUsable(ValueError):
    """The key was revoked or replaced, or there is none of that name; the message says which."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is listed: never its text, of which only a digest is kept."""

    id: int
    sources: tuple[str, ...]
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyCache:
    """Knows the keys in force. `refresh_seconds` bounds how old they are while Postgres works."""

    def __init__(
        self,
        pool: Pool,
        refresh_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._clock = clock
        self._ring = KeyRing()
        self._looked_at = float("-inf")
        self._read_at = clock()
        self._reading = asyncio.Lock()
        self._refresher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reads the keys. Raises when Postgres cannot be reached."""
        await self.refresh()
        self._refresher = asyncio.create_task(self._refresh_forever(), name="keys")

    async def stop(self) -> None:
        if self._refresher is not None:
            self._refresher.cancel()
            with suppress(asyncio.CancelledError):
                await self._refresher

    async def alive(self) -> None:
        """Liveness: raises when nobody reads the keys anew any more."""
        if self._refresher is None or self._refresher.done():
            raise RuntimeError("the keys are not refreshed any more")

    async def find(self, key: str) -> SourceKey | None:
        """The key if it is in force."""
        sought = digest(key)
        found = self._ring.find(sought, self._now())
        if found is None:
            await self._look_again(self._clock())
            found = self._ring.find(sought, self._now())
        return found

    async def refresh(self) -> None:
        self._looked_at = self._clock()
        rows = await self._pool.fetch(QUERIES["active_keys"])
        self._ring = KeyRing(
            SourceKey(row["id"], row["digest"], frozenset(row["sources"]), row["expires_at"])
            for row in rows
        )
        self._read_at = self._clock()
        metrics.KEYS.set(len(self._ring))
        metrics.KEYS_AGE.set(0)

    async def _look_again(self, asked_at: float) -> None:
        """Returns when the keys have been read, or could not be, after `asked_at`. However many
        ask for keys that do not exist, there is one read in `_EAGERNESS` seconds."""
        async with self._reading:
            if self._looked_at < asked_at:
                await asyncio.sleep(self._looked_at + _EAGERNESS - self._clock())
                await self._try_refresh()

    async def _try_refresh(self) -> None:
        try:
            await self.refresh()
        except DATABASE_AWAY as error:
            age = self._clock() - self._read_at
            metrics.KEYS_AGE.set(age)
            log.warning("keys_not_refreshed", error=repr(error), age_seconds=round(age))

    async def _refresh_forever(self) -> None:
        while True:
            await asyncio.sleep(self._refresh_seconds)
            await self._try_refresh()


async def add_key(connection: Connection, key: str, sources: list[str], label: str) -> int:
    """Its id. A key that is known gets these sources; one that was revoked stays so."""
    known: int | None = await connection.fetchval(QUERIES["add_key"], digest(key), sources, label)
    if known is None:
        raise KeyNotUsable("this key was revoked or replaced; make a new one")
    return known


async def rotate_key(connection: Connection, source: str, key: str, grace: timedelta) -> int:
    """Puts `key` in the place of all keys of `source`, which stay in force for `grace`."""
    async with connection.transaction():
        old = await connection.fetch(QUERIES["keys_of_source"], source)
        if not old:
            raise KeyNotUsable(f"source {source} has no key; add one first")
        sources = sorted({name for row in old for name in row["sources"]})
        await connection.execute(QUERIES["expire_keys"], [row["id"] for row in old], grace)
        return await add_key(connection, key, sources, old[0]["label"])


async def revoke_key(connection: Connection, key_id: int) -> None:
    if await connection.fetchval(QUERIES["revoke_key"], key_id) is None:
        raise KeyNotUsable(f"there is no key {key_id}")


async def list_keys(connection: Connection) -> list[StoredKey]:
    return [
        StoredKey(**{**row, "sources": tuple(row["sources"])})
        for row in await connection.fetch(QUERIES["list_keys"])
    ]
