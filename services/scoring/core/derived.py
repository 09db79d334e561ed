"""Figures that are made of another indicator and the time on duty. Nothing is measured for them."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.scoring.core.figures import Measured, Reading, Summary
from services.scoring.core.rules import Measure
from shared.contracts.figures import Figure

HOUR_MS: Final = 3_600_000


class Derivation(NamedTuple):
    """The indicator whose sum is shared out, and the time on duty (ms) that one share stands
    for."""

    source: str
    per_ms: int


DERIVED: Final[dict[str, Derivation]] = {
    "throughput": Derivation("tickets_resolved", HOUR_MS),
    "utilisation": Derivation("handling_time", 1),
}


class DerivedReading(Reading):
    """``summary`` is that of the source; ``on_duty_ms`` is None where it is not known. Without a
    case or without time on duty there is no value."""

    def __init__(self, indicator: str, summary: Summary | None, on_duty_ms: int | None) -> None:
        super().__init__(indicator, summary)
        self._shares = (on_duty_ms or 0) / DERIVED[indicator].per_ms

    def measure(self, how: Measure) -> Measured:
        """The value; there is no other measure of it."""
        n = max(self._summary.n, 0)
        if not n or not self._shares:
            return Measured(n, None)
        return Measured(n, self._summary.total / self._shares)

    def figure(self) -> Figure:
        """The published figure; ``total`` is the source's."""
        n, value, _, _ = self.measure("value")
        return Figure(indicator=self.indicator, n=n, value=value, total=self._summary.total)
