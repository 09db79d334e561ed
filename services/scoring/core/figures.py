"""Figures, read from summaries that add and subtract exactly."""

from __future__ import annotations

from typing import Final, NamedTuple

import bellwether_native
from bellwether_native import Summary

from services.scoring.core.rules import Measure
from shared.contracts.figures import Figure
from shared.contracts.indicators import INDICATORS

__all__ = ["NOTHING", "Measured", "Reading", "Summary", "exact_mean"]


class Measured(NamedTuple):
    """A figure in the unit of its measure; ``low`` and ``high`` are None where unbounded or
    unknown, ``value`` is None without data."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING: Final = Measured(0, None)
_EMPTY: Final = Summary()


def exact_mean(kind: str, n: int, total: int, squares: int) -> Measured:
    """The mean of ``n`` > 0 ratings or the balance of as many opinions, in the unit of the figure,
    with the normal interval of a mean; ``squares`` is the sum of the values' squares."""
    return Measured(*bellwether_native.exact_mean(kind, n, total, squares))


class Reading:
    """A summary of one indicator while it is read. A gauge's summary carries its level in
    ``total``."""

    __slots__ = ("_kind", "_summary", "indicator")

    def __init__(self, indicator: str, summary: Summary | None) -> None:
        self.indicator = indicator
        self._kind = INDICATORS[indicator].kind
        self._summary = summary or _EMPTY

    def measure(self, how: Measure) -> Measured:
        """One measure, with its interval."""
        return Measured(*self._summary.measure(self._kind, how))

    def figure(self) -> Figure:
        """The published figure; intervals and percentiles where they have a meaning."""
        measured, good, total, percentiles = self._summary.figure(self._kind)
        n, value, low, high = measured
        p50, p90, p95, p99 = percentiles
        return Figure(
            indicator=self.indicator,
            n=n,
            value=value,
            good=good,
            total=total,
            low=low,
            high=high,
            p50=p50,
            p90=p90,
            p95=p95,
            p99=p99,
        )
