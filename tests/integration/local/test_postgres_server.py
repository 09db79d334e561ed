"""Postgres starts wherever the checkout lies, and whoever starts it."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.foundations import postgres_spec
from deploy.local.layout import temporary_directory
from deploy.local.ports import free_ports
from deploy.local.postgres import PostgresServer, find_binaries
from deploy.local.supervisor import Places, Supervisor

pytestmark = pytest.mark.integration


@pytest.fixture
def outside() -> Iterator[Path]:
    folder = temporary_directory()
    yield folder
    shutil.rmtree(folder)


def test_postgres_runs_although_its_binaries_and_data_lie_where_only_we_may_enter(
    tmp_path: Path, outside: Path
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    server = PostgresServer(
        binaries=copy_of_the_wheel(private) / "pginstall18" / "bin",
        directory=private / "data",
        password_file=private / "password",
        port=free_ports(1)[0],
        durable=False,
        outside=outside,
    )
    server.prepare()
    places = Places(tmp_path / "log", tmp_path / "state.json")
    supervisor = Supervisor([postgres_spec(server, os.environ)], places, lambda *_: None)
    supervisor.start()
    try:
        supervisor.wait_ready(timeout=60)
        assert asyncio.run(answer(server.dsn())) == 42
    finally:
        supervisor.stop()
    assert private.stat().st_mode & 0o777 == 0o700


def copy_of_the_wheel(folder: Path) -> Path:
    package = find_binaries().parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / package.name


async def answer(dsn: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return await connection.fetchval("SELECT 42")
    finally:
        await connection.close()


def test_a_client_without_the_password_is_refused(postgres: str) -> None:
    without = postgres.replace(postgres.split(":")[2].split("@", maxsplit=1)[0], "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(answer(without))
