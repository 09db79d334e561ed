"""Summaries that add and subtract exactly, and the figures that are read from them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate
from operator import mul
from typing import Final, NamedTuple

import msgspec

from services.scoring.core.intervals import (
    mean_interval,
    percentile_rank,
    percentile_ranks,
    wilson,
)
from services.scoring.core.rules import Measure
from services.scoring.core.sketch import ZERO, Sketch, value_of
from shared.contracts.figures import Figure
from shared.contracts.indicators import INDICATORS

QUANTILES: Final[dict[Measure, float]] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Summary(msgspec.Struct, gc=False):
    """Measurements of one indicator: how many, their integer sum, how many good, and how many in
    each bucket (see `histograms`)."""

    n: int = 0
    total: int = 0
    good: int = 0
    sketch: Sketch | None = None


class Measured(NamedTuple):
    """A figure in the unit of its measure; ``low`` and ``high`` are None where unbounded or
    unknown, ``value`` is None without data."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING: Final = Measured(0, None)


class _Range(NamedTuple):
    """What a measured value of 1 is in the unit of the figure, and the ends of what it can be."""

    unit: float
    least: float
    most: float


_RANGES: Final[Mapping[str, _Range]] = {
    "rating": _Range(0.001, 0.0, 1.0),
    "balance": _Range(100.0, -100.0, 100.0),
}


def exact_mean(kind: str, n: int, total: int, squares: int) -> Measured:
    """The mean of ``n`` > 0 ratings or the balance of as many opinions, in the unit of the figure,
    with the normal interval of a mean; ``squares`` is the sum of the values' squares."""
    unit, least, most = _RANGES[kind]
    mean = total / n
    if n == 1:
        return Measured(1, mean * unit)
    variance = (n * squares - total * total) / (n * (n - 1))
    low, high = mean_interval(mean, variance, n)
    return Measured(n, mean * unit, max(low * unit, least), min(high * unit, most))


_VALUES: Final[tuple[float, ...]] = (*map(value_of, range(2048)), value_of(ZERO))
"""`value_of` by bucket, up to values of millions of years; bucket ZERO is -1, hence the last."""
_SQUARES: Final[tuple[float, ...]] = tuple(value * value for value in _VALUES)


class Distribution:
    """A sketch made ready to be asked for many percentiles."""

    def __init__(self, sketch: Sketch | None) -> None:
        counts = sketch or {}
        self._buckets = sorted(counts)
        self._counts = [counts[bucket] for bucket in self._buckets]
        self._ranks = list(accumulate(self._counts))
        self.n = self._ranks[-1] if self._ranks else 0

    def at_rank(self, rank: int | None) -> float | None:
        """The value of that rank (from 1), within the sketch's relative error."""
        if rank is None or not 1 <= rank <= self.n:
            return None
        return _VALUES[self._buckets[bisect_left(self._ranks, rank)]]

    def percentile(self, q: float) -> float | None:
        """The percentile ``q`` (0 to 1)."""
        return self.at_rank(percentile_rank(q, self.n)) if self.n else None

    def measured(self, q: float) -> Measured:
        """The percentile with its interval."""
        if not self.n:
            return NOTHING
        low, high = percentile_ranks(q, self.n)
        return Measured(self.n, self.percentile(q), self.at_rank(low), self.at_rank(high))

    def variance(self, mean: float) -> float:
        """Of the values around their mean, as far as their buckets tell."""
        if self.n < 2:
            return 0.0
        values = map(_VALUES.__getitem__, self._buckets)
        squares = map(_SQUARES.__getitem__, self._buckets)
        total: float = sum(map(mul, self._counts, values))
        total_squares: float = sum(map(mul, self._counts, squares))
        around_mean = total_squares - 2 * mean * total + self.n * mean * mean
        return max(0.0, around_mean / (self.n - 1))


class Reading:
    """A summary of one indicator while it is read: its percentiles are prepared once.

    A gauge's summary carries its level in ``total``.
    """

    def __init__(self, indicator: str, summary: Summary | None) -> None:
        self.indicator = indicator
        self._kind = INDICATORS[indicator].kind
        self._summary = summary or Summary()

    def measure(self, how: Measure) -> Measured:
        """One measure, with its interval."""
        summary = self._summary
        if how == "value":
            return Measured(max(summary.n, 0), float(summary.total))
        if summary.n <= 0:
            return NOTHING
        if how in ("ratio", "share_within"):
            low, high = wilson(summary.good, summary.n)
            return Measured(summary.n, summary.good / summary.n, low, high)
        if how == "mean":
            return self._mean()
        return self._spread.measured(QUANTILES[how])

    def figure(self) -> Figure:
        """The published figure; intervals and percentiles where they have a meaning."""
        if self._kind == "ratio":
            return self._ratio_figure()
        if self._kind in ("duration", "amount"):
            return self._spread_figure()
        if self._kind in _RANGES:
            return self._mean_figure()
        total = self._summary.total
        n = max(self._summary.n, 0)
        return Figure(indicator=self.indicator, n=n, value=float(total), total=total)

    @cached_property
    def _spread(self) -> Distribution:
        return Distribution(self._summary.sketch)

    def _mean(self) -> Measured:
        if self._kind in _RANGES:
            return exact_mean(self._kind, self._summary.n, self._summary.total, self._squares)
        n, mean = self._summary.n, self._summary.total / self._summary.n
        if n == 1:
            return Measured(1, mean)
        return Measured(n, mean, *mean_interval(mean, self._spread.variance(mean), n))

    @property
    def _squares(self) -> int:
        """The sum of the squares of ratings, whose buckets are their values, or of opinions, each
        of which is 1 (good), 0 or -1."""
        if self._kind == "balance":
            return 2 * self._summary.good - self._summary.total
        return sum(count * value * value for value, count in (self._summary.sketch or {}).items())

    def _mean_figure(self) -> Figure:
        n, value, low, high = self.measure("mean")
        good = self._summary.good if self._kind == "balance" else None
        total = self._summary.total
        return Figure(
            indicator=self.indicator, n=n, value=value, good=good, total=total, low=low, high=high
        )

    def _ratio_figure(self) -> Figure:
        n, value, low, high = self.measure("ratio")
        good = self._summary.good
        return Figure(indicator=self.indicator, n=n, value=value, good=good, low=low, high=high)

    def _spread_figure(self) -> Figure:
        n, mean, low, high = self.measure("mean")
        return Figure(
            indicator=self.indicator,
            n=n,
            value=mean,
            good=self._summary.good if self._kind == "duration" else None,
            total=self._summary.total,
            low=low,
            high=high,
            p50=self._spread.percentile(0.5),
            p90=self._spread.percentile(0.9),
            p95=self._spread.percentile(0.95),
            p99=self._spread.percentile(0.99),
        )
