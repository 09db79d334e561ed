"""Results of a calendar month per employee, from the recorded measurements."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Any, Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from services.scoring.core.derived import DERIVED, DerivedReading
from services.scoring.core.figures import Summary, exact_mean
from services.scoring.core.intervals import mean_interval, wilson
from services.scoring.core.window_spans import midnight
from shared.contracts.figures import Figure
from shared.contracts.indicators import INDICATORS, is_settled

_PERIOD: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
PERIOD_INDICATORS: Final = [
    i.id for i in INDICATORS.values() if i.individual and i.kind not in ("gauge", "derived")
]
"""What is measured of employees. A gauge is a level at an instant and no result of a period."""


class Row(Protocol):
    """A row of `period_figures.sql`."""

    def __getitem__(self, name: str, /) -> Any: ...


class PeriodError(ValueError):
    """The text names no calendar month."""


class Period(NamedTuple):
    """A calendar month in the organisation's zone, ``[start_ms, end_ms)``."""

    name: str
    start_ms: int
    end_ms: int


def parse_period(text: str, zone: ZoneInfo) -> Period:
    """``YYYY-MM`` to its bounds; raises `PeriodError`."""
    match = _PERIOD.fullmatch(text)
    if match is None or not 1970 < int(match[1]) < 9999:
        raise PeriodError(f"{text!r} is no month: write it as 2026-01")
    year, month = int(match[1]), int(match[2])
    after = date(year + month // 12, month % 12 + 1, 1)
    return Period(text, midnight(date(year, month, 1), zone), midnight(after, zone))


def employees(
    rows: Iterable[Row], period: Period, *, now_ms: int, on_duty_ms: int | None
) -> list[dict[str, Any]]:
    """One item per department and employee; rows are ordered by both. ``on_duty_ms`` is the
    working time of the period up to now, None where it is not known."""
    return [
        {
            "department": department,
            "team": team,
            "employee": employee,
            "figures": _figures(list(group), period, now_ms, on_duty_ms),
        }
        for (department, employee, team), group in groupby(
            rows, key=lambda row: (row["department"], row["employee"], row["team"])
        )
    ]


def _figures(rows: list[Row], period: Period, now_ms: int, on_duty_ms: int | None) -> list[Figure]:
    figures = [period_figure(row) for row in rows]
    for figure in figures:
        figure.provisional = not is_settled(figure.indicator, period.end_ms, now_ms)
    if not on_duty_ms:
        return figures
    sums = {row["indicator"]: Summary(row["n"], row["total"], row["good"]) for row in rows}
    return figures + [
        DerivedReading(name, sums[derivation.source], on_duty_ms).figure()
        for name, derivation in DERIVED.items()
        if derivation.source in sums
    ]


def period_figure(row: Row) -> Figure:
    """A figure from the sums of a period."""
    name, n, good, total = row["indicator"], row["n"], row["good"], row["total"]
    kind = INDICATORS[name].kind
    if kind == "ratio":
        low, high = wilson(good, n)
        return Figure(indicator=name, n=n, value=good / n, good=good, low=low, high=high)
    if kind in ("duration", "amount"):
        return _spread(row)
    if kind in ("rating", "balance"):
        return _mean(row)
    return Figure(indicator=name, n=n, value=float(total), total=total)


def _mean(row: Row) -> Figure:
    name, kind = row["indicator"], INDICATORS[row["indicator"]].kind
    n, value, low, high = exact_mean(kind, row["n"], row["total"], round(row["squares"]))
    good = row["good"] if kind == "balance" else None
    return Figure(
        indicator=name, n=n, value=value, good=good, total=row["total"], low=low, high=high
    )


def _spread(row: Row) -> Figure:
    n, total = row["n"], row["total"]
    mean = total / n
    variance = (row["squares"] - total * mean) / (n - 1) if n > 1 else 0.0
    low, high = mean_interval(mean, variance, n) if n > 1 else (None, None)
    return Figure(
        indicator=row["indicator"],
        n=n,
        value=mean,
        good=row["good"],
        total=total,
        low=low,
        high=high,
        p50=row["p50"],
        p90=row["p90"],
        p95=row["p95"],
        p99=row["p99"],
    )
