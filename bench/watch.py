"""Watches the processes of a whole system from outside: memory, CPU time, and lag."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from aiokafka.errors import KafkaError

from bench.process import cpu_seconds
from deploy.local.consumer_lag import read_lag

EVERY_SECONDS: Final = 3.0
SAW_SAMPLES: Final = 4
WINDOWS_GROUP: Final = "scoring-windows"
LAGS: Final[Mapping[str, str]] = {
    "measure": "bellwether_measure_lag_records",
    "recorder": "bellwether_recorder_lag_records",
    "notify": "bellwether_notify_lag_records",
}
"""What each service says of how far it is behind, in records of its input."""
TICKETS: Final = "bellwether_measure_tickets"


@dataclass(frozen=True)
class Sample:
    """Seconds since the start, lag in records by service, memory in bytes by process, and how
    many tickets are remembered."""

    at_s: float
    lag: dict[str, float]
    rss: dict[str, int]
    tickets: int


@dataclass
class Watched:
    """Samples, and the CPU-seconds of each process while it was watched. ``missed`` samples could
    not be had because a service gave no answer."""

    samples: list[Sample] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    missed: int = 0

    def lag(self) -> list[tuple[float, float]]:
        """Of all services together. What the windows say is a saw: their group commits every few
        seconds, and right after it the lag is what it is; so the least of some samples counts.
        Where none of them could say, the last that was known does."""
        points = []
        windows = 0.0
        for place, sample in enumerate(self.samples):
            recent = self.samples[max(0, place - SAW_SAMPLES + 1) : place + 1]
            told = (one.lag["windows"] for one in recent if "windows" in one.lag)
            windows = min(told, default=windows)
            rest = sum(lag for name, lag in sample.lag.items() if name != "windows")
            points.append((sample.at_s, windows + rest))
        return points

    def rss_mb(self, process: str) -> list[tuple[float, float]]:
        """Of one process."""
        return [(sample.at_s, sample.rss[process] / 1e6) for sample in self.samples]

    def cores(self) -> dict[str, float]:
        """Used by each process, on average."""
        return {name: spent / self.seconds for name, spent in self.cpu_s.items()}


class Watcher:
    """``pids`` by name of process, ``urls`` of the services by the names of `LAGS`."""

    def __init__(
        self, pids: Mapping[str, int], urls: Mapping[str, str], bootstrap: str | None = None
    ) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._urls = urls
        self._bootstrap = bootstrap

    @contextmanager
    def watching(self) -> Iterator[Watched]:
        """Samples come in while the block runs; the CPU times are there when it has ended."""
        watched = Watched()
        stopping = threading.Event()
        began = time.monotonic()
        before = self._cpu()
        thread = threading.Thread(target=self._sample, args=(watched, began, stopping))
        thread.start()
        try:
            yield watched
        finally:
            stopping.set()
            thread.join()
        after = self._cpu()
        watched.seconds = time.monotonic() - began
        watched.cpu_s = {name: after[name] - before[name] for name in after}

    def lag(self) -> dict[str, float]:
        """Now, by service."""
        return {
            name: total(_metrics(self._urls[name]), metric)
            for name, metric in LAGS.items()
            if name in self._urls
        }

    def _sample(self, watched: Watched, began: float, stopping: threading.Event) -> None:
        while not stopping.wait(EVERY_SECONDS):
            try:
                tickets = total(_metrics(self._urls["measure"]), TICKETS)
                lag = {**self.lag(), **self._windows_lag()}
            except OSError:
                watched.missed += 1
                continue
            rss = {name: _memory(process) for name, process in self._processes.items()}
            watched.samples.append(Sample(time.monotonic() - began, lag, rss, int(tickets)))

    def _windows_lag(self) -> dict[str, float]:
        """Its group commits every few seconds: what came since then counts as lag."""
        if self._bootstrap is None:
            return {}
        try:
            lags = read_lag(self._bootstrap)
        except (KafkaError, TimeoutError, OSError):
            return {}  # too busy to say: the next sample will
        return {"windows": sum(lag.records for lag in lags if lag.group == WINDOWS_GROUP)}

    def _cpu(self) -> dict[str, float]:
        return {name: cpu_seconds(process) for name, process in self._processes.items()}


def total(metrics: Sequence[str], name: str) -> float:
    """The sum over all labels of a metric in the text format of Prometheus."""
    own = (line for line in metrics if line.startswith((f"{name}{{", f"{name} ")))
    return sum(float(line.rsplit(" ", 1)[1]) for line in own)


def _metrics(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:  # noqa: S310 - our service
        body: bytes = answer.read()
    return body.decode().splitlines()


def _memory(process: psutil.Process) -> int:
    """Resident; what several processes of one family share (Postgres' buffers) counts once."""
    children = process.children(recursive=True)
    if not children:
        return int(process.memory_info().rss)
    return sum(_proportional(member.pid) for member in (process, *children))


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended while we looked
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
