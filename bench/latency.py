"""`make bench BENCH=latency`: from an accepted event to the first attempt to tell of its breach.

The whole system as `make run` starts it, and the load generator beside it. Probe departments have
a target that one event breaks, and a receiver notes when the alert's webhook first arrives. First
the rate of the goal for a long time, with lag and memory watched, then the highest rate that is
carried with a 99th percentile of a second.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.load.probes import RULE, Matched, Sent, match
from bench.rate_search import Tried, highest, next_rate
from bench.statistics import Trend, percentile, slope, trend
from bench.watch import Watched, Watcher
from bench.webhooks import Receiver, receiving
from bench.whole_system import whole_system, write_rules
from deploy.local.layout import CHECKOUT
from deploy.local.stack import LocalStack

RATE: Final = 1_000
GOAL_P50_MS: Final = 150.0
GOAL_P99_MS: Final = 500.0
SEARCHED_P99_MS: Final = 1_000.0
SETTLE_SECONDS: Final = 3.0
SERVICES: Final = ("ingest", "measure", "windows", "recorder", "api", "notify", "feedback")
SERVERS: Final = ("kafka", "postgres")
SCRAPED: Final = ("measure", "recorder", "notify")
FLAT_MEMORY: Final = 0.1
FLAT_MEMORY_MB: Final = 10.0
"""Memory is flat when the last third lies at most so much over the first."""
LATE_MS: Final = 1_000.0


@dataclass(frozen=True)
class Plan:
    """How long each part takes, in seconds, and how many rates are searched at most."""

    warm_s: float
    main_s: float
    step_s: float
    steps: int
    drain_s: float


FULL: Final = Plan(warm_s=20, main_s=600, step_s=60, steps=6, drain_s=60)
SHORT: Final = Plan(warm_s=8, main_s=40, step_s=15, steps=1, drain_s=10)


class LoadFailedError(RuntimeError):
    """The load generator ended before its time; what it said is in the message."""


@dataclass(frozen=True)
class Run:
    """One rate for some time: latencies, what the sender found, and the system from outside."""

    rate: int
    seconds: float
    matched: Matched
    sent: Mapping[str, Any]
    watched: Watched

    @property
    def p99_ms(self) -> float:
        """From acceptance; without end when alerts are missing."""
        if self.matched.missing or not self.matched.from_accepted_ms:
            return float("inf")
        return percentile(self.matched.from_accepted_ms, 0.99)

    @property
    def lag(self) -> Trend:
        """Of all services together, in records."""
        return trend(self.watched.lag())

    @property
    def lag_is_flat(self) -> bool:
        """The last third lies at most half a second of events over the first, and every service
        could always say how far it was: one that gives no answer is behind by nobody knows what."""
        return not self.watched.missed and self.lag.is_flat(self.rate / 2)

    @property
    def kept_pace(self) -> bool:
        """Ingest took what was due when it was due, and refused nothing."""
        late = percentile(self.sent["late_ms"], 0.99)
        return late <= LATE_MS and not self.sent["refused"]

    @property
    def carried(self) -> bool:
        """Whether the search may go on to a higher rate."""
        return self.p99_ms <= SEARCHED_P99_MS and self.lag_is_flat and self.kept_pace

    def memory(self) -> dict[str, Trend]:
        """Resident memory in MB by process."""
        names = self.watched.samples[0].rss
        return {name: trend(self.watched.rss_mb(name)) for name in names}


class System:
    """A running system under a load that can be chosen."""

    def __init__(self, stack: LocalStack, receiver: Receiver, folder: Path, drain_s: float) -> None:
        self._drain_s = drain_s
        self._stack = stack
        self._receiver = receiver
        self._folder = folder
        self._runs = 0
        supervisor = stack.supervisor
        self._watcher = Watcher(
            {name: supervisor.pid(name) for name in (*SERVICES, *SERVERS)},
            {name: stack.url(name) for name in SCRAPED},
            stack.bootstrap_servers,
        )

    def run(self, rate: int, seconds: float) -> Run:
        """Send at this rate for so long, wait until all is worked through, and look."""
        self._runs += 1
        out = self._folder / f"load-{self._runs}.json"
        before = len(self._receiver.arrivals)
        with self._watcher.watching() as watched:
            self._load(rate, seconds, out)
        self._drain()
        sent = json.loads(out.read_text(encoding="utf-8"))
        probes = [Sent(**probe) for probe in sent.pop("probes")]
        matched = match(probes, self._receiver.arrivals[before:])
        return Run(rate, seconds, matched, sent, watched)

    def _load(self, rate: int, seconds: float, out: Path) -> None:
        child = subprocess.Popen(  # noqa: S603 - our own command
            [
                *(sys.executable, "-m", "bench.load"),
                *(
                    "--url",
                    self._stack.url("ingest"),
                    "--key-file",
                    str(self._stack.data.dev_api_key),
                ),
                *("--rate", str(rate), "--seconds", str(seconds)),
                *("--label", f"L{int(time.time()):x}-{self._runs}", "--out", str(out)),
            ],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            _tell_progress(child, rate, self._watcher.lag)
            if child.wait() != 0:
                raise LoadFailedError(f"the load generator ended with {child.returncode}")
        finally:
            child.kill()
            child.wait()

    def _drain(self) -> None:
        """Until no event waits any more, or for `drain_s`: what is missing then, is."""
        until = time.monotonic() + self._drain_s
        time.sleep(SETTLE_SECONDS)
        while self._waits() and time.monotonic() < until:
            time.sleep(0.5)
        time.sleep(SETTLE_SECONDS)

    def _waits(self) -> bool:
        """The recorder's lag counts the markers of transactions, which are no records to copy."""
        lag = self._watcher.lag()
        return bool(lag["measure"] or lag["notify"])


def _tell_progress(
    child: subprocess.Popen[str], rate: int, lag: Callable[[], Mapping[str, float]]
) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        behind = ", ".join(f"{name} {records:.0f}" for name, records in lag().items())
        print(f"  at {rate}/s: {line.split()[-1]} events sent; lag: {behind}", flush=True)
    child.stdout.close()


def measure(directory: Path, *, short: bool) -> dict[str, Any]:
    """The part `latency` of the results; see docs/benchmarks.md."""
    plan = SHORT if short else FULL
    rules = write_rules(directory / "rules.yaml", RULE)
    with receiving() as receiver:
        environ = {
            "BELLWETHER_RULES": str(rules),
            "BELLWETHER_NOTIFY_WEBHOOK_URL": receiver.url,
            "BELLWETHER_NOTIFY_ALLOW_PRIVATE_TARGETS": "true",
        }
        with whole_system(directory / "system", environ) as stack:
            system = System(stack, receiver, directory, plan.drain_s)
            print(f"warming up for {plan.warm_s:g} s", flush=True)
            system.run(RATE, plan.warm_s)
            print(f"{RATE} events/s for {plan.main_s:g} s", flush=True)
            main = system.run(RATE, plan.main_s)
            print(summary(main), flush=True)
            tried = _search(system, main, plan)
    return results(main, tried)


def _search(system: System, main: Run, plan: Plan) -> list[Run]:
    runs = [main]
    while (rate := next_rate(_tried(runs), plan.steps + 1)) is not None:
        print(f"searching: {rate} events/s for {plan.step_s:g} s", flush=True)
        runs.append(system.run(rate, plan.step_s))
        print(line(runs[-1]), flush=True)
    return runs


def _tried(runs: list[Run]) -> list[Tried]:
    return [Tried(run.rate, run.carried) for run in runs]


def results(main: Run, runs: list[Run]) -> dict[str, Any]:
    """For the results file. A figure that could not be had is null."""
    found = main.matched
    return {
        "rate": main.rate,
        "seconds": main.seconds,
        **percentiles(found.from_accepted_ms),
        "samples": len(found.from_accepted_ms),
        "missing": found.missing,
        "from_due": percentiles(found.from_due_ms),
        "answer": percentiles(main.sent["answer_ms"]),
        "sender_late": percentiles(main.sent["late_ms"]),
        "highest_rate_p99_1s": highest(_tried(runs)),
        "searched": [
            {
                "rate": run.rate,
                "p99_ms": None if run.p99_ms == float("inf") else round(run.p99_ms, 1),
                "missing": run.matched.missing,
                "lag_flat": run.lag_is_flat,
                "carried": run.carried,
            }
            for run in runs
        ],
        "lag_records": _rounded(main.lag),
        "lag_flat": main.lag_is_flat,
        "memory_mb": {name: _rounded(found) for name, found in main.memory().items()},
        "memory_flat": {name: _flat(found) for name, found in main.memory().items()},
        "measure_bytes_per_ticket": bytes_per_ticket(main.watched),
        "cores": {name: round(cores, 3) for name, cores in main.watched.cores().items()},
    }


def percentiles(values: list[float]) -> dict[str, float | None]:
    """p50, p90, p99 and the greatest, in ms; null without values."""
    if not values:
        return {"p50_ms": None, "p90_ms": None, "p99_ms": None, "max_ms": None}
    shares = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}
    return {name: round(percentile(values, share), 1) for name, share in shares.items()}


def bytes_per_ticket(watched: Watched) -> int | None:
    """By how much measuring grew for each ticket that it came to remember; null when too few."""
    points = [(float(s.tickets), float(s.rss["measure"])) for s in watched.samples]
    if len(points) < 3 or points[-1][0] - points[0][0] < 1_000:
        return None
    return round(slope(points))


def summary(run: Run) -> str:
    """The main run, for people."""
    found = results(run, [run])
    lines = [
        "",
        "accepted event to first attempt at the webhook",
        f"  {'':18}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}   ms",
        _row("from acceptance", found),
        _row("from the due time", found["from_due"]),
        _row("ingest's answer", found["answer"]),
        _row("sender late", found["sender_late"]),
        f"  {found['samples']} alerts, {found['missing']} missing; goals: p50 <= {GOAL_P50_MS:g}, "
        f"p99 <= {GOAL_P99_MS:g}: {_reached(run)}",
        f"  lag, records: {_thirds(run.lag)}: {'flat' if run.lag_is_flat else 'GROWS'}",
        f"  {'process':10}{'cores':>7}   memory, MB",
    ]
    cores = run.watched.cores()
    for name, memory in run.memory().items():
        flat = "flat" if _flat(memory) else "grows"
        lines.append(f"  {name:10}{cores[name]:7.2f}   {_thirds(memory)}: {flat}")
    if found["measure_bytes_per_ticket"] is not None:
        lines.append(f"  measure: {found['measure_bytes_per_ticket']} bytes a ticket remembered")
    return "\n".join([*lines, ""])


def line(run: Run) -> str:
    """One rate of the search, for people."""
    found = percentiles(run.matched.from_accepted_ms)
    return (
        f"  {run.rate}/s: p50 {found['p50_ms']} ms, p99 {found['p99_ms']} ms, "
        f"{run.matched.missing} missing, lag {_thirds(run.lag)}: "
        f"{'carried' if run.carried else 'not carried'}"
    )


def _reached(run: Run) -> str:
    p50 = percentile(run.matched.from_accepted_ms or [float("inf")], 0.5)
    return "reached" if p50 <= GOAL_P50_MS and run.p99_ms <= GOAL_P99_MS else "missed"


def _row(name: str, found: Mapping[str, Any]) -> str:
    cells = (found[key] for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms"))
    return f"  {name:18}" + "".join(f"{'-' if c is None else c:>9}" for c in cells)


def _thirds(found: Trend) -> str:
    return f"{found.first:.1f} -> {found.last:.1f} ({found.per_minute:+.1f} a minute)"


def _rounded(found: Trend) -> dict[str, float]:
    return {
        "first_third": round(found.first, 1),
        "last_third": round(found.last, 1),
        "per_minute": round(found.per_minute, 2),
    }


def _flat(memory: Trend) -> bool:
    return memory.is_flat(max(FLAT_MEMORY_MB, FLAT_MEMORY * memory.first))
