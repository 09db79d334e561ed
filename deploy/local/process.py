"""One child process: started on a tether, logged, signalled and reaped."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.log_file import LogFile
from deploy.local.probes import AlwaysReady, Probe

Sink = Callable[[str, str], None]
"""Called with a process's name and each line it writes, from a thread of that process."""

TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True)
class ProcessSpec:
    """What to run. `env` is the whole environment; `needs` are names that must be ready before.

    A process that runs `once` is ready when it has ended with code 0. A `foundation` is stopped
    after all others, which may still need it to end well.
    """

    name: str
    argv: tuple[str, ...]
    probe: Probe = field(default_factory=AlwaysReady)
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    run_as: int | None = None
    once: bool = False
    foundation: bool = False


class ManagedProcess:
    """A running child and the thread that copies its output to a log file and a sink."""

    def __init__(self, spec: ProcessSpec, log: LogFile, sink: Sink) -> None:
        self.spec = spec
        self.started = time.monotonic()
        self._child = subprocess.Popen(  # noqa: S603 - the process table is our own
            _on_tether(spec),
            env=dict(spec.env),
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._pump = threading.Thread(
            target=self._copy_output, args=(log, sink), name=f"log-{spec.name}", daemon=True
        )
        self._pump.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def exit_code(self) -> int | None:
        """Return the exit code (negative: killed by that signal), or None while it runs."""
        return self._child.poll()

    def uptime(self) -> float:
        return time.monotonic() - self.started

    def ask_to_stop(self) -> None:
        if self.exit_code() is None:
            self._child.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """End the process and every process it started, at once, and reap it."""
        with contextlib.suppress(ProcessLookupError):  # the whole group may be gone already
            os.killpg(self.pid, signal.SIGKILL)
        self.reap()

    def reap(self) -> None:
        self._child.wait()
        self._pump.join(timeout=2)
        if self._child.stdout and not self._pump.is_alive():
            self._child.stdout.close()

    def _copy_output(self, log: LogFile, sink: Sink) -> None:
        assert self._child.stdout is not None
        for raw in self._child.stdout:
            log.write(raw)
            sink(self.spec.name, raw.decode("utf-8", "replace").rstrip("\n"))


def _on_tether(spec: ProcessSpec) -> list[str]:
    uid = "-" if spec.run_as is None else str(spec.run_as)
    tether = (sys.executable, "-I", "-S", str(TETHER))
    return [*tether, str(os.getpid()), spec.stop_signal.name, uid, *spec.argv]
