"""Make the database `bellwether`, with one role and one schema for each service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import asyncpg

DATABASE = "bellwether"
SERVICES = ("ingest", "scoring", "feedback", "notify")


def role_of(service: str) -> str:
    return f"bellwether_{service}"


def with_database(dsn: str, database: str) -> str:
    """Return `dsn` with another database name."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def service_dsn(dsn: str, service: str, password: str, database: str = DATABASE) -> str:
    """Return the DSN by which `service` logs in with its own role on the server of `dsn`."""
    host = urlsplit(dsn).netloc.rpartition("@")[2]
    return f"postgresql://{role_of(service)}:{password}@{host}/{database}"


def create_databases(superuser_dsn: str, passwords: Mapping[str, str]) -> None:
    """Create what is missing, and set the roles' passwords (service name to password)."""
    asyncio.run(_create(superuser_dsn, passwords))


async def _create(superuser_dsn: str, passwords: Mapping[str, str]) -> None:
    await _create_database(superuser_dsn)

    connection = await asyncpg.connect(
        with_database(superuser_dsn, DATABASE), timeout=5, command_timeout=10
    )
    try:
        for service, password in passwords.items():
            await connection.execute(await _role_statements(connection, service, password))
    finally:
        await connection.close(timeout=5)


async def _create_database(superuser_dsn: str) -> None:

    connection = await asyncpg.connect(superuser_dsn, timeout=5, command_timeout=30)
    try:
        query = "SELECT 1 FROM pg_database WHERE datname = $1"
        if not await connection.fetchval(query, DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close(timeout=5)


async def _role_statements(
    connection: asyncpg.Connection[asyncpg.Record], service: str, password: str
) -> str:
    role = role_of(service)
    quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
    known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    return f"""
        {"ALTER" if known else "CREATE"} ROLE {role} LOGIN PASSWORD {quoted};
        ALTER ROLE {role} SET search_path = {service};
        CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {role};
    """
