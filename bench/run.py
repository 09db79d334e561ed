"""`make bench [BENCH=NAME] [BENCH_SHORT=1]`, or `python -m bench.run NAME...`.

Further words after `engine` choose variants: `python -m bench.run engine flink bellwether:common`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench import growth
from bench.results_file import update
from bench.toolchain import CHECKOUT, VENV_PYTHON, Missing, prepare
from deploy.local.bootstrap.machine import CommandFailed

RESULTS: Final = CHECKOUT / "bench" / "results"
FILE: Final = RESULTS / "engine.json"
DATA: Final = CHECKOUT / "var" / "bench"
BESIDE_PEERS: Final = ("engine", "restore", "growth")
"""These run in the environment that has the peers' packages."""
ALONE: Final = ("latency", "reads")
"""These run the product in its own."""
NAMES: Final = (*BESIDE_PEERS, *ALONE)
RESTORE: Final = ("tickets", "seconds", "bytes_per_ticket")
RESTORED_TICKETS: Final = {True: 100_000, False: 1_000_000}


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmark, or all of them; returns the exit status."""
    name, *variants = arguments or ("all",)
    if name not in (*NAMES, "all"):
        print(f"there is no benchmark {name!r}: choose from {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return _run(name, arguments, variants)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _run(name: str, arguments: Sequence[str], variants: Sequence[str]) -> int:
    short = os.environ.get("BENCH_SHORT", "") not in ("", "0")
    if Path(sys.executable) == VENV_PYTHON:
        _beside_peers(name, variants, short=short)
        return 0
    status = 0 if name in ALONE else _in_own_environment(arguments)
    if status == 0 and name in (*ALONE, "all"):
        _alone(name, short=short)
    if status == 0 and not variants:
        print(f"written: {FILE.relative_to(CHECKOUT)}")
    return status


def _interrupt(*_: object) -> None:
    """End once: what is started must be ended in peace, however often one is asked."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _beside_peers(name: str, variants: Sequence[str], *, short: bool) -> None:
    if name in ("engine", "all"):
        _engine(variants, short=short)
    if name in ("restore", "all"):
        _restore(RESTORED_TICKETS[short])
    if name in ("growth", "all"):
        _growth()


def _alone(name: str, *, short: bool) -> None:
    from bench import latency, reads

    if name in ("latency", "all"):
        with _folder("latency") as folder:
            update(FILE, {"latency": latency.measure(folder, short=short)})
    if name in ("reads", "all"):
        with _folder("reads") as folder:
            found = reads.measure(folder, short=short)
        print(reads.table(found))
        update(FILE, {"reads": found})


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """An empty one, removed afterwards."""
    folder = DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_own_environment(arguments: Sequence[str]) -> int:
    """The peers' packages are in an environment that the product's is not burdened with."""
    try:
        prepare()
    except (Missing, CommandFailed) as lack:
        print(f"bench: {lack}", file=sys.stderr)
        return 1
    again = [str(VENV_PYTHON), "-m", "bench.run", *arguments]
    child = subprocess.Popen(again, cwd=CHECKOUT)  # noqa: S603 - ourselves
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise


def _engine(variants: Sequence[str], *, short: bool) -> None:
    from bench import engine, report
    from bench.broker import broker

    outcomes = []
    with broker(DATA / "kafka") as bootstrap:
        for outcome, seconds in engine.run(bootstrap, DATA / "state", variants, short=short):
            outcomes.append(outcome)
            print(
                f"{outcome.job} {outcome.name}: {outcome.per_core:,.0f} events/s a core "
                f"({outcome.cpu_s:.1f} CPU-s of {seconds:.0f} s), {outcome.verdict[:300]}",
                flush=True,
            )
    outcomes = report.merged(outcomes)
    text = report.table(outcomes)
    print(f"\n{text}")
    if variants:
        print("A choice of variants is not written to the results.")
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "engine.txt").write_text(text, encoding="utf-8")
    parts: dict[str, Any] = {
        "rows": report.rows(outcomes),
        "ratios": report.ratios(outcomes),
        "reasons": report.reasons(outcomes),
    }
    update(FILE, parts)


def _restore(tickets: int) -> None:
    from bench import restore
    from bench.broker import broker

    with broker(DATA / "kafka") as bootstrap:
        figures = restore.measure(bootstrap, DATA / "restore", tickets)
    print(f"restore: {figures}")
    update(FILE, {"restore": {name: figures[name] for name in RESTORE}})


def _growth() -> None:
    rows = growth.measure()
    print(growth.table(rows))
    update(FILE, {"growth": rows})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
