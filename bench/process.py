"""Runs one variant in a process of its own and measures it from outside.

A variant writes `progress N` whenever it has processed N events, and `done N` when the last of
them is stored; then it waits for its standard input to end. At every line the CPU time of the
process and its children is read, so the rate is that between the end of the warm phase and the
last event, and start, imports and the JIT's first minutes are left out.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

TIMEOUT_SECONDS: Final = 400.0


class VariantFailedError(RuntimeError):
    """A variant ended, or was ended, before it was done."""


@dataclass(frozen=True)
class Mark:
    """What a variant had processed, and what it had cost, at one moment."""

    events: int
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Measured:
    """A run of a variant: its marks in order, the last one after everything was stored."""

    marks: tuple[Mark, ...]
    peak_rss_mb: float

    def rates(self, warm: int) -> tuple[float, float, float]:
        """Events a second by wall clock and by CPU after the first mark with at least ``warm``
        events, and the CPU-seconds that this rests on."""
        first = next(mark for mark in self.marks if mark.events >= warm)
        last = self.marks[-1]
        events = last.events - first.events
        cpu_s, wall_s = last.cpu_s - first.cpu_s, last.wall_s - first.wall_s
        if events <= 0 or cpu_s <= 0 or wall_s <= 0:
            raise VariantFailedError(f"nothing was measured after {warm} events: {self.marks[-3:]}")
        return events / wall_s, events / cpu_s, cpu_s


def run(
    command: Sequence[str], environ: Mapping[str, str], log: Path, timeout: float = TIMEOUT_SECONDS
) -> Measured:
    """Run a variant to its end. Raises `VariantFailedError`."""
    with log.open("wb") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own command
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environ},
        )
    impatience = threading.Timer(timeout, child.kill)
    impatience.start()
    try:
        return _watch(child, log)
    finally:
        impatience.cancel()
        _end(child)


def _watch(child: subprocess.Popen[bytes], log: Path) -> Measured:
    assert child.stdout is not None
    process = psutil.Process(child.pid)
    marks: list[Mark] = []
    for word, events in reports(child.stdout):
        marks.append(Mark(events, cpu_seconds(process), time.monotonic()))
        if word == "done":
            return Measured(tuple(marks), peak_rss_mb(process))
    code = child.wait()
    said = log.read_text(errors="replace")[-3000:]
    raise VariantFailedError(f"ended with {code} before it was done\n{said}")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Let it go: its standard input ends, and with it the variant, or else we end it."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def reports(lines: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """The reports among the lines that a variant wrote."""
    for line in lines:
        words = line.split()
        if len(words) == 2 and words[0] in (b"progress", b"done") and words[1].isdigit():
            yield words[0].decode(), int(words[1])


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and all its children, living or ended."""
    while True:
        try:
            return _cpu_seconds(process)
        except psutil.NoSuchProcess as gone:
            if gone.pid == process.pid:
                raise
            # A child ended meanwhile: what it took is its parent's now.


def _cpu_seconds(process: psutil.Process) -> float:
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        times = child.cpu_times()
        total += times.user + times.system
    return float(total)


def peak_rss_mb(process: psutil.Process) -> float:
    """The highest resident memory of a process and its living children so far, in MB."""
    kib = _high_water_kib(process.pid)
    for child in process.children(recursive=True):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            kib += _high_water_kib(child.pid)
    return round(kib * 1024 / 1e6, 1)


def _high_water_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
