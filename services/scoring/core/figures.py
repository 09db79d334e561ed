"""Summaries that add and subtract exactly, and the figures that are read from them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec

from services.scoring.core.intervals import (
    mean_interval,
    percentile_rank,
    percentile_ranks,
    wilson,
)
from services.scoring.core.rules import Measure
from services.scoring.core.sketch import Sketch, value_of
from shared.contracts.figures import Figure
from shared.contracts.indicators import INDICATORS

QUANTILES: Final[dict[Measure, float]] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Summary(msgspec.Struct, gc=False):
    """Measurements of one indicator: how many, their integer sum, how many good, and for
    durations their sketch. Adding and then subtracting the same leaves no trace."""

    n: int = 0
    total: int = 0
    good: int = 0
    sketch: Sketch | None = None

    def add(self, n: int, total: int, good: int) -> None:
        """Add counts in place; all may be negative."""
        self.n += n
        self.total += total
        self.good += good

    def add_buckets(self, buckets: Iterable[tuple[int, int]], sign: int) -> None:
        """Add (``sign`` 1) or subtract (-1) bucket counts in place."""
        sketch = self.sketch
        if sketch is None:
            sketch = self.sketch = {}
        for bucket, count in buckets:
            total = sketch.get(bucket, 0) + sign * count
            if total:
                sketch[bucket] = total
            else:
                del sketch[bucket]

    @property
    def empty(self) -> bool:
        """Whether nothing is left in it."""
        return not (self.n or self.total or self.good or self.sketch)


class Measured(NamedTuple):
    """A figure in the unit of its measure; ``low`` and ``high`` are None where unbounded or
    unknown, ``value`` is None without data."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING: Final = Measured(0, None)


class Distribution:
    """A sketch made ready to be asked for many percentiles."""

    def __init__(self, sketch: Sketch | None) -> None:
        self._buckets = sorted(sketch) if sketch else []
        self._ranks = list(accumulate(sketch[b] for b in self._buckets)) if sketch else []
        self.n = self._ranks[-1] if self._ranks else 0

    def at_rank(self, rank: int | None) -> float | None:
        """The value of that rank (from 1), within the sketch's relative error."""
        if rank is None or not 1 <= rank <= self.n:
            return None
        return value_of(self._buckets[bisect_left(self._ranks, rank)])

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
        """Of the values, as far as their buckets tell."""
        counts = zip(self._buckets, [0, *self._ranks], self._ranks, strict=False)
        squares = sum((after - before) * (value_of(b) - mean) ** 2 for b, before, after in counts)
        return squares / (self.n - 1) if self.n > 1 else 0.0


class Reading:
    """A summary of one indicator while it is read: its percentiles are prepared once.

    A gauge's summary carries its level in ``total``.
    """

    def __init__(self, indicator: str, summary: Summary | None) -> None:
        self.indicator = indicator
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
        kind = INDICATORS[self.indicator].kind
        if kind == "ratio":
            return self._ratio_figure()
        if kind == "duration":
            return self._duration_figure()
        total = self._summary.total
        n = max(self._summary.n, 0)
        return Figure(indicator=self.indicator, n=n, value=float(total), total=total)

    @cached_property
    def _spread(self) -> Distribution:
        return Distribution(self._summary.sketch)

    def _mean(self) -> Measured:
        n, mean = self._summary.n, self._summary.total / self._summary.n
        if n == 1:
            return Measured(1, mean)
        return Measured(n, mean, *mean_interval(mean, self._spread.variance(mean), n))

    def _ratio_figure(self) -> Figure:
        n, value, low, high = self.measure("ratio")
        good = self._summary.good
        return Figure(indicator=self.indicator, n=n, value=value, good=good, low=low, high=high)

    def _duration_figure(self) -> Figure:
        n, mean, low, high = self.measure("mean")
        return Figure(
            indicator=self.indicator,
            n=n,
            value=mean,
            good=self._summary.good,
            total=self._summary.total,
            low=low,
            high=high,
            p50=self._spread.percentile(0.5),
            p90=self._spread.percentile(0.9),
            p95=self._spread.percentile(0.95),
            p99=self._spread.percentile(0.99),
        )
