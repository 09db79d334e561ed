"""`make bench [BENCH=engine|restore|growth] [BENCH_SHORT=1]`, or `python -m bench.run NAME...`.

Further words after `engine` choose variants: `python -m bench.run engine flink bellwether:common`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench import growth
from bench.results_file import update
from bench.toolchain import CHECKOUT, VENV_PYTHON, Missing, prepare
from deploy.local.bootstrap.machine import CommandFailed

RESULTS: Final = CHECKOUT / "bench" / "results"
FILE: Final = RESULTS / "engine.json"
DATA: Final = CHECKOUT / "var" / "bench"
NAMES: Final = ("engine", "restore", "growth")
RESTORE: Final = ("tickets", "seconds", "bytes_per_ticket")
RESTORED_TICKETS: Final = {True: 100_000, False: 1_000_000}


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmark, or all of them; returns the exit status."""
    name, *variants = arguments or ("all",)
    if name not in (*NAMES, "all"):
        print(f"there is no benchmark {name!r}: choose from {', '.join(NAMES)}", file=sys.stderr)
        return 2
    if Path(sys.executable) != VENV_PYTHON:
        return _in_own_environment(arguments)
    short = os.environ.get("BENCH_SHORT", "") not in ("", "0")
    if name in ("engine", "all"):
        _engine(variants, short=short)
    if name in ("restore", "all"):
        _restore(RESTORED_TICKETS[short])
    if name in ("growth", "all"):
        _growth()
    if not variants:
        print(f"written: {FILE.relative_to(CHECKOUT)}")
    return 0


def _in_own_environment(arguments: Sequence[str]) -> int:
    """The peers' packages are in an environment that the product's is not burdened with."""
    try:
        prepare()
    except (Missing, CommandFailed) as lack:
        print(f"bench: {lack}", file=sys.stderr)
        return 1
    again = [str(VENV_PYTHON), "-m", "bench.run", *arguments]
    return subprocess.run(again, cwd=CHECKOUT, check=False).returncode  # noqa: S603 - ourselves


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
    rows = list(growth.measure())
    print(growth.table(rows))
    update(FILE, {"growth": rows})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
