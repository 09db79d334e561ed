"""`make bench BENCH=restore`: kill -9 of the measure worker with many open tickets, and back.

The product's own process (`services.scoring.main measure`) is started on a changelog that holds
the tickets, killed as soon as it works, and started again at once. The seconds run from that
second start until every partition, fenced and restored, has stored an event that came meanwhile.
They include the start of Python. The process has an instance name, as under `bellwether up`, so
the group does not wait for the session of the dead member to end.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from bench import topics
from bench.streams import open_tickets
from bench.streams.common import PARTITIONS
from bench.toolchain import CHECKOUT, VENV_PYTHON
from deploy.local.ports import free_ports
from services.scoring.rule_files import load_rules
from shared.contracts.topics import MEASURE_CHANGELOG, TICKETS, TOPICS

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
    topics.fill(bootstrap, _events(tickets, "ticket.customer_replied"))
    with _measuring(bootstrap, directory) as first:
        undisturbed = first.wait_working(tickets)
        first.kill()
    topics.fill(bootstrap, _events(tickets, "ticket.resolved"))
    with _measuring(bootstrap, directory) as second:
        seconds = second.wait_working(tickets)
        after = second.rss()
        second.stop()
    return {
        "tickets": tickets,
        "seconds": round(seconds, 2),
        "bytes_per_ticket": round((after - before) / tickets),
        "seconds_undisturbed": round(undisturbed, 2),
    }


def _records(tickets: int) -> Iterator[topics.Message]:
    rules = load_rules(None)
    for partition in range(PARTITIONS):
        own = _own(partition, tickets)
        for record in open_tickets.changelog(partition, own, EMPLOYEES, rules):
            yield MEASURE_CHANGELOG.name, partition, b"", record, int(time.time() * 1000)


def _events(tickets: int, type_: str) -> Iterator[topics.Message]:
    """One for the first ticket of each partition."""
    for partition in range(PARTITIONS):
        number = _own(partition, tickets).start
        time_ms = open_tickets.START_MS + open_tickets.HOUR_MS
        value = open_tickets.cloud_event(number, type_, time_ms, {})
        key = open_tickets.name_of(number).encode()
        yield TICKETS.name, partition, key, value, int(time.time() * 1000)


def _own(partition: int, tickets: int) -> range:
    share = -(-tickets // PARTITIONS)
    return range(partition * share, min((partition + 1) * share, tickets))


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
                    "BELLWETHER_INSTANCE": "measure",
                    "BELLWETHER_METRICS_PORT": str(self._port),
                    "BELLWETHER_PARTITIONS": str(PARTITIONS),
                },
            )

    def wait_ready(self) -> float:
        """Seconds from the start to readiness. Raises `NotRestoredError`."""
        return self._wait(self._is_ready)

    def wait_working(self, tickets: int) -> float:
        """Seconds from the start until each partition has told how many tickets it knows, which
        it does when it has stored something. Raises `NotRestoredError`."""
        return self._wait(lambda: self._is_ready() and self._tickets() == tickets)

    def _wait(self, reached: Callable[[], bool]) -> float:
        while not reached():
            waited = time.monotonic() - self._started
            if self._child.poll() is not None or waited > READY_SECONDS:
                said = self._log.read_text(errors="replace")[-2000:]
                raise NotRestoredError(f"not there after {waited:.0f} s:\n{said}")
            time.sleep(0.05)
        return time.monotonic() - self._started

    def rss(self) -> int:
        """Resident memory now, in bytes."""
        return int(psutil.Process(self._child.pid).memory_info().rss)

    def _tickets(self) -> int:
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
