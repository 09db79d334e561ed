"""What runs, on disk: `run/state.json`, and the lock that one supervisor holds.

Other commands (`bellwether status`, tests) read it; the next start reads it to end what a
supervisor that was killed may have left behind.
"""

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil


class AlreadyRunningError(RuntimeError):
    """Another supervisor owns this data directory."""


@dataclass(frozen=True)
class ProcessRecord:
    """One process: `state` is waiting, starting, ready, restarting or stopped."""

    name: str
    state: str
    pid: int | None = None
    born: float | None = None
    restarts: int = 0
    health_url: str | None = None
    log: str = ""


@dataclass(frozen=True)
class RunState:
    """A supervisor and its processes; `connections` holds the addresses of Kafka and so on."""

    supervisor: int
    born: float
    connections: dict[str, str] = field(default_factory=dict)
    processes: tuple[ProcessRecord, ...] = ()

    def process(self, name: str) -> ProcessRecord:
        return next(record for record in self.processes if record.name == name)


def birth(pid: int) -> float | None:
    """Return when process `pid` was created (seconds since the epoch), or None if it is gone."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def write_state(file: Path, state: RunState) -> None:
    """Replace the state on disk, whole or not at all; only the owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(asdict(state), out, indent=1)
    fresh.replace(file)


def read_state(file: Path) -> RunState | None:
    """Return the state on disk, or None when nothing was started or all was stopped."""
    try:
        raw: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    processes = tuple(ProcessRecord(**record) for record in raw.pop("processes"))
    return RunState(**raw, processes=processes)


def is_alive(pid: int | None, born: float | None) -> bool:
    """Say whether `pid` is still the process that was born then, and not a later namesake."""
    if pid is None or born is None:
        return False
    now = birth(pid)
    return now is not None and abs(now - born) < 1.0


class SupervisorLock:
    """An exclusive lock on a data directory; the kernel lets go of it when its holder dies."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: IO[str] | None = None

    def acquire(self) -> None:
        """Raise AlreadyRunningError when somebody else holds it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        held = self._file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            holder = held.read().strip()
            held.close()
            raise AlreadyRunningError(
                f"Bellwether already runs here (process {holder}). See it with "
                "`bellwether status`; stop it with Ctrl-C in its terminal, or with "
                f"`kill {holder}`."
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        self._held = held

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def end_leftovers(records: Iterable[ProcessRecord], patience: float = 5.0) -> list[str]:
    """End processes of an earlier run that still live, politely first; return their names."""
    left = [record for record in records if is_alive(record.pid, record.born)]
    for record in left:
        _signal(record, signal.SIGINT if record.name == "postgres" else signal.SIGTERM)
    living = [psutil.Process(r.pid) for r in left if is_alive(r.pid, r.born)]
    _, stubborn = psutil.wait_procs(living, timeout=patience)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=patience)
    return [record.name for record in left]


def _signal(record: ProcessRecord, number: signal.Signals) -> None:
    assert record.pid is not None
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.pid, number)
