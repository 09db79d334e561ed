import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.run_state import (
    AlreadyRunningError,
    ProcessRecord,
    RunState,
    SupervisorLock,
    birth,
    end_leftovers,
    is_alive,
    read_state,
    write_state,
)


def test_a_state_reads_back_as_it_was_written(tmp_path: Path) -> None:
    state = RunState(1, 2.0, {"kafka": "k"}, (ProcessRecord("ingest", "ready", 3, 4.0),))
    write_state(tmp_path / "run" / "state.json", state)
    assert read_state(tmp_path / "run" / "state.json") == state
    assert (tmp_path / "run" / "state.json").stat().st_mode & 0o777 == 0o600


def test_no_state_means_that_nothing_was_started(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") is None


def test_a_process_that_took_over_the_number_of_another_is_not_that_one() -> None:
    born = birth(os.getpid())
    assert born is not None
    assert is_alive(os.getpid(), born)
    assert not is_alive(os.getpid(), born - 60)


def test_a_second_holder_of_the_lock_is_told_who_holds_it(tmp_path: Path) -> None:
    first, second = SupervisorLock(tmp_path / "lock"), SupervisorLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}.*bellwether status"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_leftover_of_an_earlier_run_is_ended_even_when_it_ignores_politeness() -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    child = subprocess.Popen(
        [sys.executable, "-c", stubborn + "; time.sleep(60)"], stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        record = ProcessRecord("windows", "ready", child.pid, birth(child.pid))
        assert end_leftovers([record], patience=0.2) == ["windows"]
        assert not is_alive(record.pid, record.born)


def test_a_record_of_a_process_that_is_gone_is_no_leftover() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        born = birth(child.pid)
    assert end_leftovers([ProcessRecord("windows", "ready", child.pid, born)]) == []
