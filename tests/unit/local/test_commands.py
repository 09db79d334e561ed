"""The commands of `bellwether` that need no running system."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.local.run_state import ProcessRecord, RunState, birth, write_state
from deploy.local.usage import measure_usage

RUN = CliRunner()
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]  # type: ignore[union-attr] # every command has one or the other


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_shows_examples(command: str) -> None:
    shown = RUN.invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert f"bellwether {command}" in shown.output


def test_status_says_how_to_start_when_nothing_runs(tmp_path: Path) -> None:
    shown = RUN.invoke(app, ["status", "--data-dir", str(tmp_path)])
    assert shown.exit_code == 3
    assert "make run" in shown.output


def test_status_does_not_believe_a_state_whose_supervisor_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        born = birth(gone.pid) or 0.0
    write_state(tmp_path / "run" / "state.json", RunState(gone.pid, born))
    assert RUN.invoke(app, ["status", "--data-dir", str(tmp_path)]).exit_code == 3


@pytest.fixture
def running(tmp_path: Path) -> Path:
    born = birth(os.getpid())
    assert born is not None
    record = ProcessRecord("ingest", "ready", os.getpid(), born, restarts=2)
    write_state(tmp_path / "run" / "state.json", RunState(os.getpid(), born, {}, (record,)))
    return tmp_path


def test_status_prints_what_a_program_can_read(running: Path) -> None:
    options = ["--data-dir", str(running), "--json", "--no-lag", "--seconds", "0.1"]
    shown = RUN.invoke(app, ["status", *options])
    process = json.loads(shown.output)["processes"][0]
    assert shown.exit_code == 0
    assert (process["name"], process["pid"], process["restarts"]) == ("ingest", os.getpid(), 2)
    assert process["rss"] > 1 << 20


def test_status_fails_when_a_process_is_not_ready(tmp_path: Path) -> None:
    born = birth(os.getpid()) or 0.0
    starting = ProcessRecord("ingest", "starting", os.getpid(), born)
    write_state(tmp_path / "run" / "state.json", RunState(os.getpid(), born, {}, (starting,)))
    shown = RUN.invoke(app, ["status", "--data-dir", str(tmp_path), "--no-lag", "--seconds", "0.1"])
    assert shown.exit_code == 1
    assert "starting" in shown.output


def test_doctor_names_a_port_that_is_taken_and_the_variable_that_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        monkeypatch.setenv("BELLWETHER_INGEST_PORT", str(port))
        shown = RUN.invoke(app, ["doctor", "--data-dir", str(tmp_path), "--quiet"])
    assert shown.exit_code == 1
    assert f"{port} is taken, and ingest wants it" in shown.output
    assert "BELLWETHER_INGEST_PORT" in shown.output


def test_doctor_names_a_kafka_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLWETHER_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    shown = RUN.invoke(app, ["doctor", "--data-dir", str(tmp_path), "--quiet"])
    assert shown.exit_code == 1
    assert "nothing listens on 127.0.0.1:1" in shown.output


def test_doctor_tells_that_a_missing_rust_keeps_nothing_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    shown = RUN.invoke(app, ["doctor", "--data-dir", str(tmp_path)])
    findings = [line.split() for line in shown.output.splitlines()]
    assert ["hint", "rust", "none"] in [words[:3] for words in findings]
    assert ["ok", "engine"] in [words[:2] for words in findings]


def test_up_refuses_a_wrong_port_before_it_starts_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLWETHER_NOTIFY_PORT", "eighty")
    shown = RUN.invoke(app, ["up", "--data-dir", str(tmp_path)])
    assert shown.exit_code == 1
    assert "BELLWETHER_NOTIFY_PORT must be a port" in shown.output
    assert list(tmp_path.iterdir()) == []


def test_up_refuses_two_brokers_as_a_quorum_is_odd(tmp_path: Path) -> None:
    shown = RUN.invoke(app, ["up", "--data-dir", str(tmp_path), "--brokers", "2"])
    assert shown.exit_code == 1
    assert "--brokers must be 1 or 3" in shown.output


def test_usage_counts_children_once() -> None:
    burn = "import time; end = time.monotonic() + 30\nwhile time.monotonic() < end: pass"
    child = subprocess.Popen([sys.executable, "-c", burn])
    try:
        apart = measure_usage({"parent": os.getpid(), "child": child.pid}, 0.5)
        together = measure_usage({"parent": os.getpid()}, 0.1)
    finally:
        child.kill()
        child.wait()
    assert apart["child"].cpu > apart["parent"].cpu
    assert together["parent"].rss > apart["parent"].rss
