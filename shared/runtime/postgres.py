"""Postgres: a pool whose every wait ends, migrations of plain SQL, queries in named files.

No password of a DSN reaches a log or an error: messages name only host, port and database.
"""

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 10.0
MIGRATION_TIMEOUT = 300.0

_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MIGRATION = re.compile(r"\d{4}_[a-z0-9_]+\.sql")


class BadDsn(ValueError):
    """The DSN cannot be understood; its text is kept out of the message."""


class MigrationChanged(RuntimeError):
    """A migration that was applied is not the same file any more: write a new one instead."""


async def open_pool(dsn: str, *, schema: str, min_size: int = 1, max_size: int = 8) -> "Pool":
    """A pool whose connections search `schema` first, and keep what is set in their session: set
    nothing there that outlives a transaction. Raises OSError or TimeoutError when the
    server cannot be reached, `BadDsn` when the DSN is wrong."""
    _check_dsn(dsn)
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        timeout=CONNECT_TIMEOUT,
        command_timeout=COMMAND_TIMEOUT,
        server_settings=_server_settings(schema),
        reset=_leave_session,
    )


async def _leave_session(connection: object) -> None:
    """Nobody who borrows a connection sets anything in its session, listens or takes a lock that
    outlives a transaction; and one that was left open asyncpg has ended before this. Its usual
    query would make whoever gives a connection back wait for one more answer."""


async def connect(
    dsn: str, *, schema: str, command_timeout: float = COMMAND_TIMEOUT
) -> "Connection":
    """One connection outside any pool, for commands, LISTEN and migrations."""
    _check_dsn(dsn)
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT,
        command_timeout=command_timeout,
        server_settings=_server_settings(schema),
    )


async def ping(pool: "Pool") -> None:
    """A readiness check: raises when the database does not answer."""
    await pool.fetchval("SELECT 1", timeout=2)


async def migrate(dsn: str, schema: str, directory: Path) -> list[str]:
    """Applies the files NNNN_name.sql of `directory` in order, each once and in a transaction of
    its own. Returns the names applied now. Safe to run from several processes at once.
    Raises `MigrationChanged` when an applied file differs from what was applied."""
    connection = await connect(dsn, schema=schema, command_timeout=MIGRATION_TIMEOUT)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext($1))", f"migrate:{schema}")
        return await _apply_new(connection, schema, _migrations(directory))
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT)


async def _apply_new(
    connection: "Connection", schema: str, files: list[tuple[str, str]]
) -> list[str]:
    applied = await _applied(connection, schema)
    fresh = []
    for name, sql in files:
        checksum = hashlib.sha256(sql.encode()).hexdigest()
        if name not in applied:
            await _apply(connection, name, sql, checksum)
            fresh.append(name)
        elif applied[name] != checksum:
            raise MigrationChanged(f"{name} was applied to schema {schema} with other content")
    return fresh


async def _applied(connection: "Connection", schema: str) -> dict[str, str]:
    if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
        await connection.execute(f"CREATE SCHEMA {schema}")  # its own role may not be allowed to
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        " name text PRIMARY KEY, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
    return {row["name"]: row["checksum"] for row in rows}


async def _apply(connection: "Connection", name: str, sql: str, checksum: str) -> None:
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", name, checksum
        )


def _migrations(directory: Path) -> list[tuple[str, str]]:
    files = sorted(directory.glob("*.sql"))
    for file in files:
        if not _MIGRATION.fullmatch(file.name):
            raise ValueError(f"{file.name} is no migration name; call it NNNN_what_it_does.sql")
    return [(file.name, file.read_text(encoding="utf-8")) for file in files]


def load_queries(directory: Path) -> dict[str, str]:
    """The SQL files of `directory` by name without suffix."""
    return {
        file.stem: file.read_text(encoding="utf-8").strip()
        for file in sorted(directory.glob("*.sql"))
    }


def describe(dsn: str) -> str:
    """HOST:PORT/DATABASE, for logs."""
    try:
        parts = urlsplit(dsn)
        port = parts.port or 5432
    except ValueError:
        return "(a DSN that cannot be read)"
    return f"{parts.hostname or 'local'}:{port}{parts.path or '/'}"


def _check_dsn(dsn: str) -> None:
    try:
        parts = urlsplit(dsn)
        readable = parts.scheme in {"postgresql", "postgres"} and parts.port != 0
    except ValueError:
        readable = False
    if not readable:
        raise BadDsn("the DSN is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE")


def _server_settings(schema: str) -> dict[str, str]:
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"{schema!r} is no plain schema name")
    return {"search_path": schema, "application_name": f"bellwether-{schema}"}
