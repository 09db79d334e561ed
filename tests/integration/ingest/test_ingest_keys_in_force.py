import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.ingest.key_store import SCHEMA
from services.ingest.main import main
from shared.runtime.postgres import connect
from tests.integration.ingest.ingest_service import Ingest, make_key, running
from tests.unit.ingest.samples import opened
from tests.unit.runtime.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def ingest(kafka: str, database: str) -> AsyncIterator[Ingest]:
    async with running(kafka, database, ingest_key_refresh_seconds=0.2) as service:
        yield service


async def status_with(ingest: Ingest, key: str) -> int:
    answer = await ingest.post(opened(), Authorization=f"Bearer {key}")
    return answer.status_code


async def until_refused(ingest: Ingest, key: str) -> None:
    async def refused() -> bool:
        return await status_with(ingest, key) == 401

    await eventually(refused)


async def test_a_request_without_a_key_in_force_is_unauthorised(ingest: Ingest) -> None:
    for value in ("", "Bearer", "Bearer bw_" + "a" * 43, "Bearer x", "Basic dXNlcjpw"):
        answer = await ingest.post(opened(), Authorization=value)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_may_come_in_a_header_of_its_own(ingest: Ingest) -> None:
    key = await make_key(ingest.dsn, "crm-a")
    answer = await ingest.post(opened(), **{"Authorization": "", "X-API-Key": key})
    assert answer.status_code == 202


async def test_a_new_key_works_at_once_and_for_its_sources_only(ingest: Ingest) -> None:
    key = await make_key(ingest.dsn, "crm-a", "crm-c")
    batch = [opened(source="crm-a"), opened(source="crm-b"), opened(source="crm-c")]
    answer = await ingest.post(batch, Authorization=f"Bearer {key}")
    items = answer.json()["items"]
    assert [item["status"] for item in items] == ["accepted", "rejected", "accepted"]
    assert items[1]["errors"][0]["pointer"] == "/source"


async def test_only_a_digest_of_a_key_is_at_rest(ingest: Ingest) -> None:
    key = await make_key(ingest.dsn, "crm-a")
    connection = await connect(ingest.dsn, schema=SCHEMA)
    rows = await connection.fetch("SELECT api_keys::text AS everything FROM api_keys")
    await connection.close()
    assert rows
    assert not any(key in row["everything"] for row in rows)
    assert not any(key.encode().hex() in row["everything"] for row in rows)


@pytest.fixture
def command(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_POSTGRES_DSN", database)


def key_in(file: Path) -> str:
    return file.read_text().strip()


async def run(*argv: str) -> int:
    return await asyncio.to_thread(main, ["keys", *argv])


@pytest.mark.usefixtures("command")
async def test_a_key_of_a_file_is_registered_once_however_often_it_is_added(
    ingest: Ingest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "secrets" / "crm.key"
    for _ in range(3):
        assert await run("add", "crm-a", "--key-file", str(file), "--label", "shop") == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await status_with(ingest, key_in(file)) == 202
    said = capsys.readouterr().out
    assert key_in(file) not in said
    assert await run("list") == 0
    listing = capsys.readouterr().out
    assert listing.count("shop") == 1
    assert key_in(file) not in listing


@pytest.mark.usefixtures("command")
async def test_a_key_without_file_is_shown_once(
    ingest: Ingest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run("add", "crm-a") == 0
    key = capsys.readouterr().out.splitlines()[0]
    assert await status_with(ingest, key) == 202


@pytest.mark.usefixtures("command")
async def test_a_revoked_key_is_refused_and_cannot_come_back(
    ingest: Ingest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "crm.key"
    await run("add", "crm-a", "--key-file", str(file))
    key_id = capsys.readouterr().out.split("key ")[-1].split()[0]
    assert await status_with(ingest, key_in(file)) == 202
    assert await run("revoke", key_id) == 0
    await until_refused(ingest, key_in(file))
    assert await run("add", "crm-a", "--key-file", str(file)) == 1
    assert "revoked" in capsys.readouterr().err


@pytest.mark.usefixtures("command")
async def test_after_a_rotation_both_keys_work_until_the_grace_is_over(
    ingest: Ingest, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.key", tmp_path / "new.key"
    await run("add", "crm-a", "--key-file", str(old))
    await run("rotate", "crm-a", "--key-file", str(new), "--grace-minutes", "5")
    assert await status_with(ingest, key_in(new)) == 202
    assert await status_with(ingest, key_in(old)) == 202
    newest = tmp_path / "newest.key"
    await run("rotate", "crm-a", "--key-file", str(newest), "--grace-minutes", "0")
    await until_refused(ingest, key_in(new))
    assert await status_with(ingest, key_in(newest)) == 202


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("argv", [["revoke", "999999"], ["rotate", "nobody"]])
async def test_what_cannot_be_done_is_said_and_ends_with_an_error(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(*argv) == 1
    assert capsys.readouterr().err.startswith("error: ")


async def test_an_unreachable_database_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    dsn = f"postgresql://u:hunter2@127.0.0.1:{unused_tcp_port}/d"
    monkeypatch.setenv("BELLWETHER_POSTGRES_DSN", dsn)
    assert await run("list") == 1
    said = capsys.readouterr().err
    assert f"127.0.0.1:{unused_tcp_port}/d" in said
    assert "hunter2" not in said
