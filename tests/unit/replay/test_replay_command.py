"""The command replays a file from end to end against an ingest on a real port."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from tests.unit.replay.fake_ingest import KEY, FakeIngest, fake_ingest

MAPPING = """\
version: 1
name: contacts
source: crm
columns:
  id: {from: id}
  at: {from: at, type: time, formats: [iso8601]}
case: id
events:
  opened: {type: ticket.opened, when: first_row, time: at}
  closed: {type: ticket.closed, time: at}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.yaml").write_text(MAPPING, "utf-8")
    (tmp_path / "key").write_text(KEY + "\n", "utf-8")
    rows = [f"T{n},2024-03-01T10:{n // 60:02d}:{n % 60:02d}Z" for n in range(600)]
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress("\n".join(["id,at", *rows, ""]).encode()))
    return tmp_path


def command(folder: Path, *options: str, url: str = "http://127.0.0.1:9") -> Result:
    fixed = ["--mapping", str(folder / "m.yaml"), "--data-dir", str(folder / "var")]
    key = ["--key-file", str(folder / "key"), "--url", url]
    log = str(folder / "log.csv.gz")
    return CliRunner().invoke(app, ["replay", log, *fixed, *key, *options], catch_exceptions=False)


def note(folder: Path) -> dict[str, int]:
    (file,) = (folder / "var" / "replay").glob("*.json")
    found: dict[str, int] = json.loads(file.read_text())
    return found


def test_all_events_arrive_in_the_order_of_their_times_and_the_summary_counts_them(
    folder: Path,
) -> None:
    with fake_ingest() as ingest:
        result = command(folder, "--batch", "100", url=ingest.url)
    assert result.exit_code == 0, result.output
    times = [event["time"] for event in ingest.stored]
    assert times == sorted(times)
    assert len(ingest.ids) == 1200
    assert set(ingest.requests) == {100}
    for fact in ("600 in 600 tickets", "600  ticket.opened", "600  ticket.closed", "sent     "):
        assert fact in result.output
    assert list((folder / "var" / "replay").glob("*.spool")) == []


def test_a_dry_run_prints_the_same_events_and_sends_none(folder: Path) -> None:
    with fake_ingest() as ingest:
        dry = command(folder, "--dry-run", url=ingest.url)
        assert ingest.requests == []
        command(folder, url=ingest.url)
    printed = [json.loads(line) for line in dry.stdout.splitlines()]
    assert printed == ingest.stored


def test_a_replay_that_breaks_off_goes_on_where_it_ended(folder: Path) -> None:
    with fake_ingest(ingest=FakeIngest()) as ingest:
        ingest.troubles = ["", "", "", 404]
        broken = command(folder, "--batch", "100", url=ingest.url)
        assert broken.exit_code == 4
        assert note(folder)["delivered"] == 300
        again = command(folder, "--batch", "100", url=ingest.url)
    assert again.exit_code == 0, again.output
    assert "300 had been sent before" in again.output
    assert len(ingest.stored) == len(ingest.ids) == 1200


def test_a_finished_replay_starts_again_with_the_same_ids(folder: Path) -> None:
    with fake_ingest() as ingest:
        command(folder, url=ingest.url)
        command(folder, url=ingest.url)
    assert len(ingest.stored) == 2400
    assert len(ingest.ids) == 1200


def test_restart_forgets_an_unfinished_replay(folder: Path) -> None:
    with fake_ingest() as ingest:
        ingest.troubles = ["", 404]
        command(folder, "--batch", "100", url=ingest.url)
        command(folder, "--batch", "100", "--restart", url=ingest.url)
    assert len(ingest.stored) == 100 + 1200


def test_a_changed_mapping_is_another_replay(folder: Path) -> None:
    with fake_ingest() as ingest:
        ingest.troubles = ["", 404]
        command(folder, "--batch", "100", url=ingest.url)
        (folder / "m.yaml").write_text(MAPPING + "# changed\n", "utf-8")
        command(folder, "--batch", "100", url=ingest.url)
    assert len(ingest.stored) == 100 + 1200


def test_what_ingest_refuses_goes_to_the_reject_file(folder: Path) -> None:
    def refuses(event: dict[str, str]) -> str:
        return "lies in the future" if event["subject"] == "T5" else ""

    rejects = folder / "rejects.jsonl"
    with fake_ingest(ingest=FakeIngest(refuses=refuses)) as ingest:
        result = command(folder, "--rejects", str(rejects), "--strict", url=ingest.url)
    assert result.exit_code == 3
    found = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [(item["row"], item["event"]) for item in found] == [
        (6, "ticket.opened"),
        (6, "ticket.closed"),
    ]
    assert found[0]["reason"] == "/time lies in the future"


def test_bad_rows_are_counted_and_only_strict_makes_them_an_error(folder: Path) -> None:
    (folder / "log.csv.gz").write_text("id,at\nT1,2024-03-01T10:00Z\nT2,someday\n", "utf-8")
    assert command(folder, "--check").exit_code == 0
    strict = command(folder, "--check", "--strict")
    assert strict.exit_code == 3
    assert "rejected  1 rows, 0 events" in strict.output


def test_an_unreachable_ingest_ends_the_replay_after_the_given_patience(folder: Path) -> None:
    result = command(folder, "--patience", "0")
    assert result.exit_code == 4
    assert "ingest is not reachable" in result.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--speed", "fast"], "must be max, or a number over 0"),
        (["--shuffle-within", "2 hours"], "is no duration"),
        (["--zone", "Mars/Phobos"], "'Mars/Phobos' is no time zone"),
        (["--key-file", "/nowhere"], "bellwether up"),
    ],
)
def test_a_mistake_in_the_options_is_explained(folder: Path, options: list[str], says: str) -> None:
    result = command(folder, *options)
    assert result.exit_code == 2
    assert says in result.output


def test_mistakes_of_the_mapping_are_listed_with_their_lines(folder: Path) -> None:
    (folder / "m.yaml").write_text(MAPPING.replace("first_row", "first_line"), "utf-8")
    result = command(folder, "--check")
    assert result.exit_code == 2
    assert "m.yaml:9: events.opened.when" in result.output


def test_check_without_a_file_checks_the_mapping_alone(folder: Path) -> None:
    arguments = ["replay", "--check", "--mapping", str(folder / "m.yaml")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "can be used" in result.output
