"""The supervisor with small programs in place of services."""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deploy.local.probes import Probe
from deploy.local.process import ProcessSpec
from deploy.local.restart_policy import RestartPolicy
from deploy.local.run_state import read_state
from deploy.local.supervisor import Places, StartError, Supervisor

QUICK = RestartPolicy(first=0.05, longest=0.1, settled=60.0, loud_after=4)

Start = Callable[..., Supervisor]


class FileExists:
    """Ready when the process has written its file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def failure(self) -> str | None:
        return None if self._file.exists() else f"no {self._file.name}"


def program(name: str, source: str, probe: Probe | None = None, **more: object) -> ProcessSpec:
    spec = ProcessSpec(
        name=name,
        argv=(sys.executable, "-u", "-c", textwrap.dedent(source)),
        env=dict(os.environ),
    )
    spec = replace(spec, probe=probe) if probe else spec
    return replace(spec, **more)  # type: ignore[arg-type] # the names are checked at run time


SLEEP = "import time; time.sleep(600)"


class Lines:
    """What the supervised processes and the supervisor said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.said.append((name, line))

    def of(self, name: str) -> list[str]:
        return [line for speaker, line in self.said if speaker == name]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def start(tmp_path: Path, lines: Lines) -> Iterator[Start]:
    running: list[Supervisor] = []

    def build(*specs: ProcessSpec, **more: object) -> Supervisor:
        places = Places(tmp_path / "log", tmp_path / "run" / "state.json")
        supervisor = Supervisor(specs, places, lines, policy=QUICK, **more)  # type: ignore[arg-type] # as above
        running.append(supervisor)
        supervisor.start()
        return supervisor

    yield build
    for supervisor in running:
        supervisor.stop()


def eventually(condition: Callable[[], bool], patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_a_process_starts_only_when_what_it_needs_is_ready(
    start: Start, lines: Lines, tmp_path: Path
) -> None:
    file = tmp_path / "first-is-ready"
    slow = f"import time; time.sleep(0.5); open({str(file)!r}, 'w'); print('up'); time.sleep(600)"
    second = f"import os, time; print(os.path.exists({str(file)!r})); time.sleep(600)"
    supervisor = start(
        program("second", second, needs=("first",)), program("first", slow, FileExists(file))
    )
    supervisor.wait_ready()
    eventually(lambda: lines.of("second") == ["True"])


def test_a_step_that_runs_once_lets_others_go_on_when_it_succeeds(
    start: Start, lines: Lines
) -> None:
    supervisor = start(
        program("step", "print('done')", once=True),
        program("after", SLEEP, needs=("step",)),
    )
    supervisor.wait_ready()
    assert lines.of("step") == ["done"]
    assert supervisor.is_ready("after")


def test_a_step_that_fails_is_tried_again(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "attempt"
    source = f"import os, sys; f={str(file)!r}; ok=os.path.exists(f); open(f,'w'); sys.exit(not ok)"
    start(program("step", source, once=True)).wait_ready()


def test_work_attached_to_a_process_is_done_before_others_go_on(
    start: Start, lines: Lines, tmp_path: Path
) -> None:
    file = tmp_path / "schema"
    source = f"import os, time; print(os.path.exists({str(file)!r})); time.sleep(600)"
    supervisor = start(
        program("database", SLEEP),
        program("service", source, needs=("database",)),
        steps={"database": file.touch},
    )
    supervisor.wait_ready()
    eventually(lambda: lines.of("service") == ["True"])


def test_a_killed_process_comes_back_under_another_number(start: Start, lines: Lines) -> None:
    supervisor = start(program("service", SLEEP))
    supervisor.wait_ready()
    before = supervisor.pid("service")
    supervisor.kill("service")
    supervisor.wait_ready()
    assert supervisor.pid("service") != before
    assert "service was killed by signal 9; restart in 0.05 s" in lines.of("bellwether")


def test_a_process_that_dies_by_itself_comes_back(start: Start) -> None:
    supervisor = start(program("service", SLEEP))
    supervisor.wait_ready()
    before = supervisor.pid("service")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: _pid(supervisor, "service") not in {None, before})


def test_a_process_that_keeps_dying_is_reported_with_the_end_of_its_log(start: Start) -> None:
    supervisor = start(program("broken", "raise SystemExit('no configuration')"), patience=5)
    with pytest.raises(StartError, match=r"broken is not ready(.|\n)*no configuration") as caught:
        supervisor.wait_ready()
    assert caught.value.hopeless


def test_a_stopped_process_stays_stopped_until_it_is_started(start: Start) -> None:
    supervisor = start(program("service", SLEEP), program("other", SLEEP))
    supervisor.wait_ready()
    supervisor.stop_process("service")
    with pytest.raises(LookupError, match="service does not run"):
        supervisor.pid("service")
    assert supervisor.is_ready("other")
    supervisor.start_process("service")
    supervisor.wait_ready(["service"])


def test_stopping_leaves_no_process_not_even_one_that_ignores_it(
    start: Start, lines: Lines
) -> None:
    stubborn = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(child.pid)
        time.sleep(600)
    """
    supervisor = start(program("stubborn", stubborn), patience=0.3)
    supervisor.wait_ready()
    eventually(lambda: bool(lines.of("stubborn")))
    pids = [supervisor.pid("stubborn"), int(lines.of("stubborn")[0])]
    supervisor.stop()
    eventually(lambda: not any(_lives(pid) for pid in pids))


def test_a_foundation_outlives_those_that_stand_on_it(start: Start, lines: Lines) -> None:
    polite = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("leaving"), sys.exit(0)))
        print("here")
        time.sleep(600)
    """
    supervisor = start(
        program("database", polite, foundation=True),
        program("service", polite, needs=("database",)),
    )
    eventually(lambda: lines.of("service") == ["here"] and lines.of("database") == ["here"])
    supervisor.stop()
    order = [name for name, line in lines.said if line == "leaving"]
    assert order == ["service", "database"]


def test_the_state_on_disk_names_every_process_and_goes_when_all_is_stopped(
    start: Start, tmp_path: Path
) -> None:
    supervisor = start(program("service", SLEEP), connections={"kafka": "there"})
    supervisor.wait_ready()
    file = tmp_path / "run" / "state.json"
    eventually(
        lambda: (s := read_state(file)) is not None and s.process("service").state == "ready"
    )
    state = read_state(file)
    assert state is not None
    assert state.supervisor == os.getpid()
    assert state.connections == {"kafka": "there"}
    assert state.process("service").pid == supervisor.pid("service")
    supervisor.stop()
    assert read_state(file) is None


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    source = f"""
        import os, sys, time
        from pathlib import Path
        from deploy.local.process import ProcessSpec
        from deploy.local.supervisor import Places, Supervisor
        sleep = (sys.executable, "-c", "import time; time.sleep(600)")
        spec = ProcessSpec("service", sleep, env=dict(os.environ))
        here = Path({str(tmp_path)!r})
        supervisor = Supervisor([spec], Places(here, here / "state.json"), lambda *_: None)
        supervisor.start()
        supervisor.wait_ready()
        print(supervisor.pid("service"), flush=True)
        time.sleep(600)
    """
    parent = psutil.Popen([sys.executable, "-c", textwrap.dedent(source)], stdout=-1)
    with parent.stdout as out:
        child = int(out.readline())
    assert _lives(child)
    parent.kill()
    parent.wait()
    eventually(lambda: not _lives(child))


def _state_of(name: str, file: Path) -> str | None:
    state = read_state(file)
    return None if state is None else state.process(name).state


def _pid(supervisor: Supervisor, name: str) -> int | None:
    try:
        return supervisor.pid(name)
    except LookupError:
        return None


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
