"""Starts processes in the order of their needs, restarts what dies, stops everything.

One thread owns all the children, because the kernel ends a tethered child together with the
*thread* that started it (tether.py). Other threads ask it, and wait for the answer.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from deploy.local.log_file import LogFile
from deploy.local.probes import HttpReady
from deploy.local.process import ManagedProcess, ProcessSpec, Sink
from deploy.local.restart_policy import RestartPolicy
from deploy.local.run_state import ProcessRecord, RunState, birth, write_state

_TICK = 0.1
_PROBE_EVERY = 0.25

Step = Callable[[], None]
"""Work done once, when the process it is attached to is ready, before others may need it."""


class StartError(RuntimeError):
    """A process did not become ready in time, or (`hopeless`) died again and again."""

    def __init__(self, message: str, *, hopeless: bool) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class State(Enum):
    """The life of a process under supervision."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass
class _Supervised:
    spec: ProcessSpec
    log: LogFile
    then: Step | None = None
    state: State = State.WAITING
    child: ManagedProcess | None = None
    born: float | None = None
    deaths: int = 0
    restarts: int = 0
    due: float = 0.0
    failure: str = "not started"


@dataclass(frozen=True)
class Places:
    """Where a supervisor writes: the folder of logs, and the state file."""

    logs: Path
    state_file: Path


@dataclass
class Supervisor:
    """Supervises `specs`.

    `steps` maps a process name to what is done when it is first ready. A process that is asked to
    stop has `patience` seconds to do so; then it is killed.
    """

    specs: Sequence[ProcessSpec]
    places: Places
    sink: Sink
    steps: Mapping[str, Step] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    patience: float = 4.0

    def __post_init__(self) -> None:
        self._all = {
            spec.name: _Supervised(
                spec, LogFile(self.places.logs / f"{spec.name}.log"), self.steps.get(spec.name)
            )
            for spec in self.specs
        }
        self._commands: queue.SimpleQueue[tuple[Step, Future[None]]] = queue.SimpleQueue()
        self._born = birth(os.getpid()) or 0.0
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._written: RunState | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_ready(self, names: Iterable[str] | None = None, timeout: float = 120.0) -> None:
        """Wait until `names` (default: all that are not stopped on purpose) are ready.

        Raises StartError, with the last lines of the log, on timeout or a standing problem.
        """
        deadline = time.monotonic() + timeout
        wanted = [self._all[name] for name in names] if names is not None else None
        while pending := self._pending(wanted):
            hopeless = [p for p in pending if self.policy.is_standing_problem(p.deaths)]
            if hopeless or time.monotonic() > deadline or self._stopping.is_set():
                raise StartError(_explain(hopeless or pending), hopeless=bool(hopeless))
            time.sleep(0.05)

    def is_ready(self, name: str) -> bool:
        return self._all[name].state is State.READY

    def pid(self, name: str) -> int:
        """Return the process id; raises LookupError while it does not run."""
        child = self._all[name].child
        if child is None:
            raise LookupError(f"{name} does not run")
        return child.pid

    def kill(self, name: str) -> None:
        """SIGKILL `name` and its process group; it is restarted as after any death."""
        self._ask(lambda: self._kill(self._all[name]))

    def stop_process(self, name: str, *, force: bool = False) -> None:
        """Stop `name` and leave it stopped; `force` kills it with SIGKILL."""
        self._ask(lambda: self._stop([self._all[name]], 0.0 if force else self.patience))

    def start_process(self, name: str) -> None:
        """Start `name` again after `stop_process`."""
        self._ask(lambda: self._revive(self._all[name]))

    def stop(self) -> None:
        """Stop everything, dependants first; returns when no process is left (within 10 s)."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def hurry(self) -> None:
        """Cut all patience short: kill what still runs."""
        self._hurry.set()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(_TICK):
                self._obey()
                for process in self._all.values():
                    self._tend(process)
                self._publish()
        finally:
            self._stop_all()

    def _obey(self) -> None:
        while not self._commands.empty():
            command, answer = self._commands.get()
            try:
                command()
            except Exception as error:
                answer.set_exception(error)
            else:
                answer.set_result(None)

    def _ask(self, command: Step) -> None:
        answer: Future[None] = Future()
        self._commands.put((command, answer))
        answer.result(timeout=30)

    def _tend(self, process: _Supervised) -> None:
        if process.child is not None and process.child.exit_code() is not None:
            self._note_exit(process, process.child)
        now = time.monotonic()
        if now < process.due:
            return
        if process.state in {State.WAITING, State.RESTARTING} and self._needs_are_ready(process):
            self._launch(process)
        elif process.state is State.STARTING and not process.spec.once:
            self._probe(process)

    def _needs_are_ready(self, process: _Supervised) -> bool:
        return process.state is State.RESTARTING or all(
            self._all[need].state is State.READY for need in process.spec.needs if need in self._all
        )

    def _launch(self, process: _Supervised) -> None:
        process.child = ManagedProcess(process.spec, process.log, self.sink)
        process.born = birth(process.child.pid)
        process.state = State.STARTING

    def _probe(self, process: _Supervised) -> None:
        failure = process.spec.probe.failure()
        if failure is None and process.then is not None:
            failure = _try(process.then)
            process.then = None if failure is None else process.then
        if failure is None:
            process.state = State.READY
            process.failure = ""
            self._say(f"{process.spec.name} is ready")
        else:
            process.failure = failure
            process.due = time.monotonic() + _PROBE_EVERY

    def _note_exit(self, process: _Supervised, child: ManagedProcess) -> None:
        child.kill()  # what it may have started itself
        process.child = None
        if process.spec.once and child.exit_code() == 0:
            process.state, process.failure = State.READY, ""
            self._say(f"{process.spec.name} is done")
        else:
            self._note_death(process, child)

    def _note_death(self, process: _Supervised, child: ManagedProcess) -> None:
        process.deaths = self.policy.deaths_in_a_row(process.deaths, child.uptime())
        process.restarts += 1
        delay = self.policy.delay(process.deaths)
        process.state, process.due = State.RESTARTING, time.monotonic() + delay
        process.failure = _describe_exit(child.exit_code())
        self._say(f"{process.spec.name} {process.failure}; restart in {delay:g} s")
        if self.policy.is_standing_problem(process.deaths):
            self._say(
                f"{process.spec.name} died {process.deaths} times in a row. Its log says why: "
                f"{process.log.path}"
            )

    def _kill(self, process: _Supervised) -> None:
        if process.child is not None:
            process.child.kill()
            self._note_exit(process, process.child)

    def _revive(self, process: _Supervised) -> None:
        if process.state is State.STOPPED:
            process.state, process.due, process.deaths = State.RESTARTING, 0.0, 0

    def _stop_all(self) -> None:
        everything = list(self._all.values())
        self._stop([p for p in everything if not p.spec.foundation], self.patience)
        self._stop([p for p in everything if p.spec.foundation], self.patience)
        for process in everything:
            process.log.close()
        self.places.state_file.unlink(missing_ok=True)

    def _stop(self, processes: Sequence[_Supervised], patience: float) -> None:
        children = [p.child for p in processes if p.child is not None]
        if patience:
            for child in children:
                child.ask_to_stop()
        self._await_exits(children, patience)
        for process in processes:
            if process.child is not None:
                process.child.kill()
            process.child, process.state, process.failure = None, State.STOPPED, "stopped"

    def _await_exits(self, children: Sequence[ManagedProcess], patience: float) -> None:
        deadline = time.monotonic() + patience
        while any(child.exit_code() is None for child in children):
            if time.monotonic() > deadline or self._hurry.wait(0.02):
                return

    def _pending(self, wanted: Sequence[_Supervised] | None) -> list[_Supervised]:
        candidates = list(self._all.values()) if wanted is None else wanted
        return [
            p
            for p in candidates
            if p.state is not State.READY and not (wanted is None and p.state is State.STOPPED)
        ]

    def _publish(self) -> None:
        state = RunState(
            supervisor=os.getpid(),
            born=self._born,
            connections=dict(self.connections),
            processes=tuple(_record(process) for process in self._all.values()),
        )
        if state != self._written:
            write_state(self.places.state_file, state)
            self._written = state

    def _say(self, message: str) -> None:
        self.sink("bellwether", message)


def _record(process: _Supervised) -> ProcessRecord:
    probe = process.spec.probe
    return ProcessRecord(
        name=process.spec.name,
        state=process.state.value,
        pid=process.child.pid if process.child else None,
        born=process.born,
        restarts=process.restarts,
        health_url=probe.url if isinstance(probe, HttpReady) else None,
        log=str(process.log.path),
    )


def _try(step: Step) -> str | None:
    try:
        step()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _describe_exit(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by signal {-code}"
    return f"exited with code {code}"


def _explain(processes: Sequence[_Supervised]) -> str:
    return "\n".join(
        f"{p.spec.name} is not ready ({p.failure}). Last lines of {p.log.path}:\n  "
        + "\n  ".join(p.log.tail(15))
        for p in processes
    )
