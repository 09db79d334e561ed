"""`bellwether up` as a user runs it: a process that gets signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.ports import free_ports
from deploy.local.run_state import RunState, is_alive, read_state

pytestmark = pytest.mark.integration

ONLY_SERVERS = ("--no-simulate", "--only", "nothing-else", "--without", "dev-key")


@pytest.fixture
def up(tmp_path: Path, servers_left_out: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    kafka, postgres = free_ports(2)
    environ = {
        **os.environ,
        "BELLWETHER_KAFKA_PORT": str(kafka),
        "BELLWETHER_POSTGRES_PORT": str(postgres),
    }
    command = (sys.executable, "-m", "deploy.cli.main", "up", "--data-dir", str(tmp_path / "var"))
    with subprocess.Popen(
        [*command, *ONLY_SERVERS, *servers_left_out], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without saying {words!r}:\n{said}")


def state_of(folder: Path) -> RunState:
    state = read_state(folder / "var" / "run" / "state.json")
    assert state is not None
    return state


def nobody_left(state: RunState, patience: float = 60.0) -> bool:
    deadline = time.monotonic() + patience
    while any(is_alive(record.pid, record.born) for record in state.processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


BOTH = ()
POSTGRES_ALONE = ("--without", "kafka")


@pytest.mark.parametrize(
    ("number", "servers_left_out"), [(signal.SIGINT, BOTH), (signal.SIGTERM, POSTGRES_ALONE)]
)
def test_a_signal_ends_everything_and_leaves_no_process(
    up: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    until(up, "Bellwether is running")
    state = state_of(tmp_path)
    assert all(record.state == "ready" and record.pid for record in state.processes)
    up.send_signal(number)
    until(up, "Stopped. Your data is in")
    assert up.wait(timeout=30) == 0
    assert not any(is_alive(record.pid, record.born) for record in state.processes)
    assert read_state(tmp_path / "var" / "run" / "state.json") is None


@pytest.mark.parametrize("servers_left_out", [POSTGRES_ALONE])
def test_nothing_is_left_when_the_supervisor_itself_is_killed(
    up: subprocess.Popen[str], tmp_path: Path
) -> None:
    until(up, "Bellwether is running")
    state = state_of(tmp_path)
    assert psutil.pid_exists(state.supervisor)
    up.kill()
    up.wait()
    assert nobody_left(state)
