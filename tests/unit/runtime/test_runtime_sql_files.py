from pathlib import Path

import pytest

from shared.runtime.postgres import BadDsn, describe, load_queries, open_pool


def test_queries_are_known_by_the_name_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "one.sql").write_text("SELECT 1\n")
    (tmp_path / "note.txt").write_text("not SQL")
    assert load_queries(tmp_path) == {"one": "SELECT 1"}


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://u:hunter2@db:6000/x", "db:6000/x"),
        ("postgresql://u:hunter2@db/x", "db:5432/x"),
        ("postgresql://u:hunter2@db:port/x", "(a DSN that cannot be read)"),
    ],
)
def test_a_dsn_is_described_without_its_secrets(dsn: str, expected: str) -> None:
    assert describe(dsn) == expected


@pytest.mark.parametrize("dsn", ["hunter2", "postgresql://u:x@h:hunter2/d", "http://hunter2@h/d"])
async def test_a_wrong_dsn_is_not_repeated_in_the_error(dsn: str) -> None:
    with pytest.raises(BadDsn) as caught:
        await open_pool(dsn, schema="x")
    assert "hunter2" not in str(caught.value)


async def test_a_schema_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no plain schema name"):
        await open_pool("postgresql://h/d", schema='x"; DROP TABLE y; --')
