"""`bellwether replay` as its own process, as an operator runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.layout import CHECKOUT
from deploy.local.stack import LocalStack

MAPPINGS = CHECKOUT / "deploy" / "mappings"


class Replay:
    """A replay that runs beside the test."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def pause(self) -> None:
        """Stop sending, in the middle of whatever it is at."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def finish(self, timeout: float = 240.0) -> str:
        """Wait for its end; returns what it said. It must have succeeded."""
        code = self._process.wait(timeout)
        said = self._output.read_text(encoding="utf-8")
        assert code == 0, f"replay ended with {code}:\n{said[-2000:]}"
        return said


@contextmanager
def replaying(
    stack: LocalStack, log: Path, mapping: str, folder: Path, *options: str
) -> Iterator[Replay]:
    """Start a replay of ``log`` into the stack; it is ended when the block is left."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "replay.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            _command(stack, log, mapping, folder, options),
            cwd=CHECKOUT,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Replay(process, output)
        finally:
            process.kill()
            process.wait()


def replay(stack: LocalStack, log: Path, mapping: str, folder: Path, *options: str) -> str:
    """A whole replay; returns what it said."""
    with replaying(stack, log, mapping, folder, *options) as running:
        return running.finish()


def _command(
    stack: LocalStack, log: Path, mapping: str, folder: Path, options: Sequence[str]
) -> list[str]:
    return [
        *(sys.executable, "-m", "deploy.cli.main", "replay", str(log)),
        *("--mapping", str(MAPPINGS / mapping)),
        *("--url", stack.url("ingest")),
        *("--key-file", str(stack.data.dev_api_key)),
        *("--data-dir", str(folder)),
        *options,
    ]
