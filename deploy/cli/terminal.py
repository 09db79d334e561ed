"""What a running system writes to the terminal: one line per record, prefixed and coloured."""

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_LEVEL_COLOURS = {"warning": 33, "error": 31, "critical": 31}
_PLUMBING = frozenset({"event", "level", "logger", "timestamp", "service", "correlation_id"})
_NAME_WIDTH = 10
_BACKLOG = 5000

_ROUTINE = {"access": frozenset({"debug", "info"}), "health": frozenset({"info", "warning"})}
"""Levels, by logger, that only the log files show: requests, and who is not ready yet."""


@dataclass(frozen=True)
class LineFormat:
    """Turns a log line into a terminal line, or into None when it is not worth showing."""

    colour: bool
    verbose: bool = False

    def __call__(self, name: str, line: str) -> str | None:
        record = parse_record(line)
        if record is None:
            return f"{self._prefix(name)} {line}"
        if not self.verbose and is_routine(record):
            return None
        return f"{self._prefix(name)} {self._describe(record)}"

    def _prefix(self, name: str) -> str:
        padded = f"{name:<{_NAME_WIDTH}}|"
        return self._paint(padded, _COLOURS[sum(name.encode()) % len(_COLOURS)])

    def _describe(self, record: dict[str, Any]) -> str:
        level = str(record.get("level", "info"))
        facts = " ".join(f"{k}={v}" for k, v in record.items() if k not in _PLUMBING)
        text = f"{level:<7} {record.get('event', '')} {facts}".rstrip()
        return self._paint(text, _LEVEL_COLOURS[level]) if level in _LEVEL_COLOURS else text

    def _paint(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour else text


def parse_record(line: str) -> dict[str, Any] | None:
    """Return the JSON log record in `line`, or None when it is something else."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def is_routine(record: dict[str, Any]) -> bool:
    return record.get("level") in _ROUTINE.get(str(record.get("logger")), ())


@dataclass
class Terminal:
    """Writes lines from many threads in turn.

    A terminal that does not keep up (or is paused) must not hold up the system: lines beyond a
    backlog are dropped and counted. The log files have them all.
    """

    show: Callable[[str, str], str | None]
    out: TextIO = field(default_factory=lambda: sys.stdout)

    def __post_init__(self) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue(_BACKLOG)
        self._dropped = 0
        self._counting = threading.Lock()
        self._writer = threading.Thread(target=self._write_all, name="terminal", daemon=True)
        self._writer.start()

    def __call__(self, name: str, line: str) -> None:
        if (shown := self.show(name, line)) is not None:
            self.print(shown)

    def print(self, text: str) -> None:
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            with self._counting:
                self._dropped += 1

    def close(self) -> None:
        """Write what is waiting, for a second at most."""
        with contextlib.suppress(queue.Full):  # a paused terminal: leave without it
            self._lines.put(None, timeout=1)
        self._writer.join(timeout=1)

    def _write_all(self) -> None:
        line: str | None = ""
        while line is not None:
            line = self._lines.get()
            try:
                self._write(line)
            except BrokenPipeError:  # nobody reads any more; the log files have it all
                self.out = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for good

    def _write(self, line: str | None) -> None:
        self._confess()
        if line is not None:
            self.out.write(line + "\n")
        if self._lines.empty():
            self.out.flush()

    def _confess(self) -> None:
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            self.out.write(f"({dropped} lines were not shown; the log files have them)\n")
