import asyncio
import secrets
from pathlib import Path

import asyncpg
import pytest

from shared.runtime.database import TRANSIENT
from shared.runtime.postgres import MigrationChanged, connect, migrate, open_pool, ping

pytestmark = pytest.mark.integration

SCHEMA = "garden"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    (tmp_path / "0001_trees.sql").write_text("CREATE TABLE trees (name text);")
    (tmp_path / "0002_oak.sql").write_text("INSERT INTO trees VALUES ('oak');")
    return tmp_path


async def trees(dsn: str) -> list[str]:
    async with await open_pool(dsn, schema=SCHEMA) as pool:
        return [row["name"] for row in await pool.fetch("SELECT name FROM trees ORDER BY name")]


async def test_migrations_are_applied_once_and_in_order(database: str, migrations: Path) -> None:
    assert await migrate(database, SCHEMA, migrations) == ["0001_trees.sql", "0002_oak.sql"]
    assert await migrate(database, SCHEMA, migrations) == []
    (migrations / "0003_elm.sql").write_text("INSERT INTO trees VALUES ('elm');")
    assert await migrate(database, SCHEMA, migrations) == ["0003_elm.sql"]
    assert await trees(database) == ["elm", "oak"]


async def test_several_processes_may_migrate_at_once(database: str, migrations: Path) -> None:
    applied = await asyncio.gather(*(migrate(database, SCHEMA, migrations) for _ in range(6)))
    assert sorted(applied, key=len)[:5] == [[]] * 5
    assert await trees(database) == ["oak"]


async def test_a_migration_that_was_changed_after_it_was_applied_is_refused(
    database: str, migrations: Path
) -> None:
    await migrate(database, SCHEMA, migrations)
    (migrations / "0002_oak.sql").write_text("INSERT INTO trees VALUES ('ash');")
    with pytest.raises(MigrationChanged, match="0002_oak"):
        await migrate(database, SCHEMA, migrations)


async def test_a_migration_that_fails_leaves_nothing_behind(
    database: str, migrations: Path
) -> None:
    (migrations / "0003_bad.sql").write_text("INSERT INTO trees VALUES ('elm'); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database, SCHEMA, migrations)
    assert await trees(database) == ["oak"]


async def test_a_file_whose_name_gives_no_order_is_refused(database: str, migrations: Path) -> None:
    (migrations / "later.sql").write_text("SELECT 1;")
    with pytest.raises(ValueError, match="NNNN_what_it_does"):
        await migrate(database, SCHEMA, migrations)


async def test_a_role_that_owns_only_its_schema_can_migrate_it(
    database: str, migrations: Path
) -> None:
    role = f"gardener_{secrets.token_hex(4)}"
    admin = await connect(database, schema="public")
    await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'spade'")
    await admin.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {role}")
    await admin.close()
    address = database.partition("@")[2]
    assert await migrate(f"postgresql://{role}:spade@{address}", SCHEMA, migrations)


async def test_a_query_without_end_is_ended(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.postgres.COMMAND_TIMEOUT", 0.2)
    async with await open_pool(database, schema="public") as pool:
        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT pg_sleep(60)")
        await ping(pool)


async def test_a_transaction_that_was_left_open_ends_with_the_loan(database: str) -> None:
    async with await open_pool(database, schema="public", min_size=1, max_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN; CREATE TABLE left_open (x int)")
        assert await pool.fetchval("SELECT to_regclass('left_open')") is None


async def test_a_pool_recovers_when_the_server_ends_its_connections(database: str) -> None:
    admin = await connect(database, schema="public")
    async with await open_pool(database, schema="ingest", min_size=1, max_size=1) as pool:
        pid = await pool.fetchval("SELECT pg_backend_pid()")
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
        async with asyncio.timeout(20):
            while True:
                try:
                    await ping(pool)
                except TRANSIENT:
                    await asyncio.sleep(0.05)
                else:
                    break
    await admin.close()


async def test_a_server_that_accepts_but_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.runtime.postgres.CONNECT_TIMEOUT", 0.3)

    let_go = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        let_go.set()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimeoutError):
        await connect(f"postgresql://u:hunter2@127.0.0.1:{port}/d", schema="x")
    async with asyncio.timeout(10):
        await let_go.wait()
    server.close()
    await server.wait_closed()
