"""`make bench BENCH=restore`: kill -9 of the measure worker with many open tickets, and back.

The product's own process (`services.scoring.main measure`) is started on a changelog that holds
the tickets, killed as soon as it is ready, and started again at once. The seconds run from that
second start to its readiness: every partition fenced, restored and sought. They include the start
of Python and the wait of the group for the session of the dead member to end.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from bench import topics
from bench.streams import open_tickets
from bench.streams.common import PARTITIONS
from bench.toolchain import CHECKOUT, VENV_PYTHON
from deploy.local.ports import free_ports
from services.scoring.core.changelog import encode_changelog
from services.scoring.rule_files import load_rules
from shared.contracts.topics import MEASURE_CHANGELOG, TOPICS

EMPLOYEES: Final = 1_000
READY_SECONDS: Final = 300.0


class NotRestoredError(RuntimeError):
    """The process did not become ready, or does not know all tickets."""


def measure(bootstrap: str, directory: Path, tickets: int) -> dict[str, Any]:
    """Tickets, seconds and bytes a ticket; beside them what an undisturbed start takes."""
    directory.mkdir(parents=True, exist_ok=True)
    topics.create(bootstrap, list(TOPICS))
    with _measuring(bootstrap, directory) as empty:
        empty.wait_ready()
        before = empty.rss()
        empty.stop()
    topics.fill(bootstrap, _records(tickets))
    with _measuring(bootstrap, directory) as first:
        undisturbed = first.wait_ready()
        first.kill()
    with _measuring(bootstrap, directory) as second:
        seconds = second.wait_ready()
        known, after = second.tickets(), second.rss()
        second.stop()
    if known != tickets:
        raise NotRestoredError(f"{known} of {tickets} tickets came back")
    return {
        "tickets": tickets,
        "seconds": round(seconds, 2),
        "bytes_per_ticket": round((after - before) / tickets),
        "seconds_undisturbed": round(undisturbed, 2),
    }


def _records(tickets: int) -> Iterator[topics.Message]:
    rules = load_rules(None)
    share = -(-tickets // PARTITIONS)
    for partition in range(PARTITIONS):
        own = range(partition * share, min((partition + 1) * share, tickets))
        for record in open_tickets.changelog(partition, own, EMPLOYEES, rules):
            value = encode_changelog(record)
            yield MEASURE_CHANGELOG.name, partition, b"", value, int(time.time() * 1000)


class _Measuring:
    """The product's measuring process."""

    def __init__(self, bootstrap: str, log: Path) -> None:
        self._port = free_ports(1)[0]
        self._log = log
        self._started = time.monotonic()
        with log.open("wb") as sink:
            self._child = subprocess.Popen(  # noqa: S603 - our own command
                [VENV_PYTHON, "-m", "services.scoring.main", "measure"],
                stdout=sink,
                stderr=sink,
                cwd=CHECKOUT,
                env={
                    **os.environ,
                    "BELLWETHER_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
                    "BELLWETHER_METRICS_PORT": str(self._port),
                    "BELLWETHER_PARTITIONS": str(PARTITIONS),
                },
            )

    def wait_ready(self) -> float:
        """Seconds from the start to readiness. Raises `NotRestoredError`."""
        while not self._is_ready():
            waited = time.monotonic() - self._started
            if self._child.poll() is not None or waited > READY_SECONDS:
                said = self._log.read_text(errors="replace")[-2000:]
                raise NotRestoredError(f"not ready after {waited:.0f} s:\n{said}")
            time.sleep(0.05)
        return time.monotonic() - self._started

    def rss(self) -> int:
        """Resident memory now, in bytes."""
        return int(psutil.Process(self._child.pid).memory_info().rss)

    def tickets(self) -> int:
        """How many tickets it knows, by its own metric."""
        lines = self._get("/metrics").decode().splitlines()
        mine = (line for line in lines if line.startswith("bellwether_measure_tickets{"))
        return int(sum(float(line.rsplit(" ", 1)[1]) for line in mine))

    def kill(self) -> None:
        """SIGKILL."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """Politely, and by force when that takes too long."""
        self._child.terminate()
        try:
            self._child.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def _is_ready(self) -> bool:
        try:
            self._get("/readyz")
        except (OSError, urllib.error.URLError):
            return False
        return True

    def _get(self, path: str) -> bytes:
        url = f"http://127.0.0.1:{self._port}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
        return body


@contextmanager
def _measuring(bootstrap: str, directory: Path) -> Iterator[_Measuring]:
    process = _Measuring(bootstrap, directory / "measure.log")
    try:
        yield process
    finally:
        process.kill()
