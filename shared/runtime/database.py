"""One service's schema in a Postgres that may be away: at start, and at any time after.

`Database.open` waits for the server, applies the migrations and opens the pool; until then `pool`
raises `NotOpen`. `install_unavailable` turns an outage into 503 with Retry-After on every route.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response

from shared.runtime.http.problem import Problem, problem_response
from shared.runtime.postgres import describe, migrate, open_pool, ping

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from shared.runtime.postgres import Pool

    PooledConnection = PoolConnectionProxy[asyncpg.Record]
else:
    PooledConnection = asyncpg.pool.PoolConnectionProxy

log = structlog.get_logger("database")

RETRY_AFTER_SECONDS = 2


class NotOpen(ConnectionError):
    """The database has not been reached since this process started."""


TRANSIENT: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections just now
)
"""What a server that is away, starting, stopping or crowded makes asyncpg raise. The same call may
succeed later. Ask `is_transient`, which knows the exception to it."""


def is_transient(error: BaseException) -> bool:
    """May the same call succeed later?"""
    return isinstance(error, TRANSIENT) and not is_refusal(error)


def is_refusal(error: BaseException) -> bool:
    """Does Postgres, or asyncpg for it, refuse the data themselves? Then no retry helps."""
    unencodable = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return unencodable or isinstance(
        error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError
    )


def backoff(first: float = 0.1, limit: float = 5.0) -> Iterator[float]:
    """Pauses in seconds: each twice the one before, up to `limit`, without end."""
    pause = first
    while True:
        yield pause
        pause = min(limit, pause * 2)


class Database:
    """The schema of one service. `migrations` None: another process applies them."""

    def __init__(
        self, dsn: str, *, schema: str, migrations: Path | None, max_size: int = 8
    ) -> None:
        self._dsn = dsn
        self._schema = schema
        self._migrations = migrations
        self._max_size = max_size
        self._pool: Pool | None = None

    @property
    def dsn(self) -> str:
        return self._dsn

    @property
    def pool(self) -> "Pool":
        if self._pool is None:
            raise NotOpen(f"Postgres at {describe(self._dsn)} has not been reached yet")
        return self._pool

    async def open(self) -> "Pool":
        """Tries until the server answers. Raises what no retry can cure: a wrong password or DSN,
        a changed migration."""
        for pause in backoff():
            try:
                return await self._open_once()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("postgres_away", at=describe(self._dsn), error=repr(error))
            await asyncio.sleep(pause)
        raise AssertionError("the pauses never end")

    async def _open_once(self) -> "Pool":
        if self._migrations is not None:
            for name in await migrate(self._dsn, self._schema, self._migrations):
                log.info("migrated", schema=self._schema, migration=name)
        self._pool = await open_pool(self._dsn, schema=self._schema, max_size=self._max_size)
        return self._pool

    async def check(self) -> None:
        """A readiness check: raises when the database does not answer."""
        await ping(self.pool)

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()  # what is under way may be cut: every write is a transaction
            self._pool = None


def install_unavailable(app: FastAPI) -> None:
    """Routes that meet an outage of Postgres answer 503 with Retry-After."""
    for error_type in TRANSIENT:
        app.add_exception_handler(error_type, _unavailable)


async def _unavailable(request: Request, error: Exception) -> Response:
    if not is_transient(error):
        raise error
    log.warning("postgres_away", error=repr(error))
    problem = Problem(
        503,
        detail="the database does not answer; try again",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
    return problem_response(problem, request.url.path)
