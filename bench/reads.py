"""`make bench BENCH=reads`: the read API under dashboards.

The product's API process with 1,000 employees in six windows, read from the topic `scores`; ten
records change every second. Then 200 requests a second for pages of the scoreboard, and 500
clients of the stream, one after the other, each from a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import psutil

from bench.process import cpu_seconds
from bench.reading.records import EMPLOYEES, employees, record, records
from bench.statistics import percentile
from bench.whole_system import whole_system
from deploy.local.layout import CHECKOUT
from deploy.local.stack import LocalStack
from shared.contracts.figures import WINDOWS, encode_score
from shared.contracts.topics import SCORES
from shared.runtime.kafka import make_producer

RATE: Final = 200
CLIENTS: Final = 500
CHANGES_PER_S: Final = 10
GOAL_P99_MS: Final = 10.0
GOAL_CORES: Final = 1.0
SECONDS: Final = {True: 15.0, False: 60.0}
FILL_SECONDS: Final = 60.0
ARRIVE_SECONDS: Final = 20.0
RECORDS: Final = "bellwether_api_score_records "


class NotReadError(RuntimeError):
    """The API did not come to hold what was written, or a reader ended before its time."""


class Writer:
    """Writes records of `scores` as the windows role would."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def fill(self) -> None:
        """One record for each employee and window."""
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        async with make_producer(self._bootstrap, linger_ms=20) as producer:
            sent = [
                await producer.send(SCORES.name, encode_score(one), one.key.encode())
                for one in records(_now_ms())
            ]
            await asyncio.gather(*sent)

    @contextmanager
    def changing(self) -> Iterator[list[int]]:
        """`CHANGES_PER_S` records change while the block runs; gives a list whose only number is
        how many have."""
        count, stopping = [0], threading.Event()
        thread = threading.Thread(
            target=asyncio.run, args=(self._change(count, stopping),), name="changes"
        )
        thread.start()
        try:
            yield count
        finally:
            stopping.set()
            thread.join()

    async def _change(self, count: list[int], stopping: threading.Event) -> None:
        rng = Random(2)  # noqa: S311 - the same changes in every run
        scopes, began = employees(), time.monotonic()
        async with make_producer(self._bootstrap) as producer:
            while not stopping.is_set():
                one = record(rng.choice(scopes), rng.choice(WINDOWS), _now_ms(), rng)
                await producer.send_and_wait(SCORES.name, encode_score(one), one.key.encode())
                count[0] += 1
                due = began + count[0] / CHANGES_PER_S
                await asyncio.sleep(max(0.0, due - time.monotonic()))


def measure(directory: Path, *, short: bool) -> dict[str, Any]:
    """The part `reads` of the results; see docs/benchmarks.md."""
    seconds = SECONDS[short]
    with whole_system(directory / "system", {}, frozenset({"api"})) as stack:
        writer = Writer(stack.bootstrap_servers)
        print(f"filling {EMPLOYEES} employees x {len(WINDOWS)} windows", flush=True)
        writer.fill()
        _await_records(stack, EMPLOYEES * len(WINDOWS))
        process = psutil.Process(stack.supervisor.pid("api"))
        print(f"{RATE} scoreboard reads a second for {seconds:g} s", flush=True)
        requests = _requests(stack, writer, process, directory / "requests.json", seconds)
        print(f"{CLIENTS} stream clients for {seconds:g} s", flush=True)
        streams = _streams(stack, writer, process, directory / "streams.json", seconds)
        memory = process.memory_info().rss
    return {**requests, **streams, "rss_mb": round(memory / 1e6, 1)}


def _await_records(stack: LocalStack, wanted: int) -> None:
    until = time.monotonic() + FILL_SECONDS
    url = f"{stack.url('api')}/metrics"
    while True:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our service
            lines = answer.read().decode().splitlines()
        held = next((line for line in lines if line.startswith(RECORDS)), f"{RECORDS}0")
        if float(held.removeprefix(RECORDS)) >= wanted:
            return
        if time.monotonic() > until:
            raise NotReadError(f"after {FILL_SECONDS:g} s the API has {held}, not {wanted}")
        time.sleep(0.2)


def _requests(
    stack: LocalStack, writer: Writer, process: psutil.Process, out: Path, seconds: float
) -> dict[str, Any]:
    with _reader(stack, "requests", out, "--rate", str(RATE), "--seconds", str(seconds)) as child:
        with writer.changing():
            began, before = time.monotonic(), cpu_seconds(process)
            child.wait()
            spent, lasted = cpu_seconds(process) - before, time.monotonic() - began
        if child.returncode != 0:
            raise NotReadError(f"the reader ended with {child.returncode}")
    return request_figures(json.loads(out.read_text()), spent / lasted)


def request_figures(found: Mapping[str, Any], cores: float) -> dict[str, Any]:
    """Over all questions, and by kind of question."""
    everything = [ms for times in found["ms"].values() for ms in times]
    return {
        "rate": RATE,
        "requests": len(everything),
        "failures": found["failures"],
        "p50_ms": round(percentile(everything, 0.5), 2),
        "p99_ms": round(percentile(everything, 0.99), 2),
        "max_ms": round(max(everything), 2),
        "reader_late_p99_ms": round(percentile(found["late_ms"], 0.99), 2),
        "cores": round(cores, 3),
        "by_kind": {
            kind: {
                "p50_ms": round(percentile(times, 0.5), 2),
                "p99_ms": round(percentile(times, 0.99), 2),
                "bytes": found["bytes"][kind],
            }
            for kind, times in found["ms"].items()
        },
    }


def _streams(
    stack: LocalStack, writer: Writer, process: psutil.Process, out: Path, seconds: float
) -> dict[str, Any]:
    with _reader(stack, "streams", out, "--clients", str(CLIENTS)) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        if child.stdout.readline().strip() != "ready":
            raise NotReadError(f"the stream's clients did not open: exit {child.wait()}")
        with writer.changing() as changes:
            began, before = time.monotonic(), cpu_seconds(process)
            time.sleep(seconds)
            spent, lasted = cpu_seconds(process) - before, time.monotonic() - began
        time.sleep(2)
        child.stdin.close()
        child.wait(ARRIVE_SECONDS)
    return stream_figures(json.loads(out.read_text()), changes[0], spent / lasted)


def stream_figures(found: Mapping[str, Any], changes: int, cores: float) -> dict[str, Any]:
    """``sse_missed`` counts changes that a client did not get, over all clients."""
    return {
        "sse_clients": len(found["events"]),
        "sse_cores": round(cores, 3),
        "sse_changes": changes,
        "sse_missed": sum(changes - events for events in found["events"]),
        "sse_lost": found["lost"],
    }


@contextmanager
def _reader(
    stack: LocalStack, what: str, out: Path, *options: str
) -> Iterator[subprocess.Popen[str]]:
    port = str(stack.options.ports.api)
    child = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "bench.reading", what, "--port", port, "--out", str(out), *options],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def table(found: Mapping[str, Any]) -> str:
    """For people."""
    in_time = found["p99_ms"] <= GOAL_P99_MS and not found["failures"]
    lines = [
        "",
        f"{found['rate']} reads/s: p50 {found['p50_ms']} ms, p99 {found['p99_ms']} ms "
        f"(goal {GOAL_P99_MS:g}: {_reached(in_time)}), "
        f"greatest {found['max_ms']} ms, {found['failures']} failures, {found['cores']} cores; "
        f"p99 of being sent late: {found['reader_late_p99_ms']} ms",
    ]
    lines += [
        f"  {kind:10} {part['bytes']:>8} bytes  p50 {part['p50_ms']:>6} ms  "
        f"p99 {part['p99_ms']:>6} ms"
        for kind, part in found["by_kind"].items()
    ]
    lines.append(
        f"{found['sse_clients']} stream clients, {found['sse_changes']} changes: "
        f"{found['sse_cores']} cores (goal {GOAL_CORES:g}: "
        f"{_reached(found['sse_cores'] < GOAL_CORES and not _lacks(found))}), "
        f"{found['sse_missed']} not delivered, {found['sse_lost']} clients lost"
    )
    return "\n".join([*lines, ""])


def _lacks(found: Mapping[str, Any]) -> bool:
    """Whether any client of the stream lacks something: what was not sent cost nothing."""
    return bool(found["sse_missed"] or found["sse_lost"])


def _reached(is_reached: bool) -> str:
    return "reached" if is_reached else "missed"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
