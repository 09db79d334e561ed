"""Real parts for tests: one Kafka and one Postgres per run, a database per test, a whole system."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.databases import DATABASE, with_database
from deploy.local.stack import LocalStack, StackOptions


@pytest.fixture(scope="session")
def servers() -> Iterator[LocalStack]:
    """Kafka and Postgres alone, on free ports, in a directory of their own."""
    nothing_else = StackOptions(only=frozenset({"nothing else"}), without=frozenset({"dev-key"}))
    with LocalStack.temporary(nothing_else) as stack:
        yield stack


@pytest.fixture(scope="session")
def kafka(servers: LocalStack) -> str:
    """Bootstrap servers of a real broker that the whole run shares: name topics uniquely."""
    return servers.bootstrap_servers


@pytest.fixture(scope="session")
def postgres(servers: LocalStack) -> str:
    """DSN of the superuser of a real Postgres that the whole run shares."""
    return servers.superuser_dsn


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """DSN (superuser) of a fresh database with the schemas ingest, scoring, feedback, notify."""
    name = f"test_{secrets.token_hex(6)}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE {DATABASE}")
    yield with_database(postgres, name)
    _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """The whole system, without simulator: every service on its own Kafka and Postgres."""
    with LocalStack.temporary() as running:
        yield running


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[1]


def _execute(dsn: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn, timeout=5, command_timeout=30)
        try:
            await connection.execute(statement)
        finally:
            await connection.close(timeout=5)

    asyncio.run(run())
