"""Records of `scores` for a made-up organisation, as the windows write them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from shared.contracts.figures import (
    WINDOWS,
    Figure,
    ScorePart,
    ScoreRecord,
    TargetVerdict,
    Verdict,
    WindowName,
)
from shared.contracts.indicators import INDICATORS

EMPLOYEES: Final = 1_000
DEPARTMENTS: Final = 10
HOUR_MS: Final = 3_600_000


def employees() -> list[str]:
    """Scopes of 1,000 employees in ten departments."""
    return [f"employee:department-{n % DEPARTMENTS}/employee-{n}" for n in range(EMPLOYEES)]


def records(now_ms: int, seed: int = 1) -> Iterator[ScoreRecord]:
    """One for each employee and window."""
    rng = Random(seed)  # noqa: S311 - the same records in every run
    for scope in employees():
        for window in WINDOWS:
            yield record(scope, window, now_ms, rng)


def record(scope: str, window: WindowName, now_ms: int, rng: Random) -> ScoreRecord:
    """Every indicator has a figure, two of them a target."""
    figures = [_figure(name, rng) for name in INDICATORS]
    for place in (0, 5):
        figures[place].targets = [_verdict(rng)]
    parts = [
        ScorePart(indicator=figure.indicator, weight=0.25, points=round(rng.uniform(0, 100), 1))
        for figure in figures[:4]
    ]
    return ScoreRecord(
        scope=scope,
        window=window,
        start_ms=now_ms - HOUR_MS,
        end_ms=now_ms,
        stream_ms=now_ms,
        rule_version="bench",
        provisional=True,
        figures=figures,
        score=round(rng.uniform(0, 100), 2),
        score_parts=parts,
    )


def _figure(indicator: str, rng: Random) -> Figure:
    kind, n = INDICATORS[indicator].kind, rng.randrange(25, 400)
    if kind == "ratio":
        good = rng.randrange(n)
        share = good / n
        return Figure(indicator=indicator, n=n, value=share, good=good, low=share / 2, high=1.0)
    if kind == "duration":
        total = rng.randrange(n * 900_000)
        mean = total / n
        return Figure(
            indicator=indicator,
            n=n,
            value=mean,
            total=total,
            low=mean / 2,
            high=2 * mean,
            p50=mean,
            p90=2 * mean,
            p95=3 * mean,
            p99=4 * mean,
        )
    return Figure(indicator=indicator, n=n, value=float(n), total=n)


def _verdict(rng: Random) -> TargetVerdict:
    missed = rng.random() < 0.1
    verdict: Verdict = "missed" if missed else "met"
    return TargetVerdict(target="bench", verdict=verdict, limit=0.8, value=0.8, breached=missed)
