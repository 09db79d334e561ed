"""What goes wrong in the simulated organisation, and when. Pure.

One trouble follows the other, so that a watcher has something to see: each lasts some minutes and
leaves some minutes of peace behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Kind = Literal["slow_response", "unhappy_customers", "slow_resolution", "complaints"]
KINDS: Final[tuple[Kind, ...]] = (
    "slow_response",
    "unhappy_customers",
    "slow_resolution",
    "complaints",
)
LASTS_MS: Final = (12 * 60_000, 18 * 60_000)
PEACE_MS: Final = (4 * 60_000, 8 * 60_000)
FIRST_LEAD_MS: Final = 20 * 60_000
"""The first incident begins so long before the stream is live: it shows from the first minute."""


@dataclass(frozen=True)
class Incident:
    """``department`` suffers from ``kind`` in [``start_ms``, ``end_ms``)."""

    department: str
    kind: Kind
    start_ms: int
    end_ms: int

    def active(self, at_ms: int) -> bool:
        return self.start_ms <= at_ms < self.end_ms


@dataclass(frozen=True)
class Effect:
    """What a department's trouble does to its work: delays are multiplied by the first two,
    satisfaction by the third, complaints by the fourth."""

    response: float = 1.0
    resolution: float = 1.0
    satisfaction: float = 1.0
    complaints: float = 1.0


CALM: Final = Effect()
EFFECTS: Final[dict[Kind, Effect]] = {
    "slow_response": Effect(response=7.0, satisfaction=0.85),
    "unhappy_customers": Effect(satisfaction=0.3),
    "slow_resolution": Effect(resolution=5.0, satisfaction=0.8),
    "complaints": Effect(complaints=15.0, satisfaction=0.6),
}


class Incidents:
    """An endless plan of incidents, drawn as time goes on. The first one slows the responses of
    the first department and is under way at ``live_ms``; times must be asked in order."""

    def __init__(self, departments: list[str], live_ms: int, random: Random) -> None:
        self._departments = departments
        self._random = random
        start = live_ms - FIRST_LEAD_MS
        end = live_ms + self._random.randint(*LASTS_MS)
        self.current = Incident(departments[0], "slow_response", start, end)

    def effect(self, department: str, at_ms: int) -> Effect:
        """How this department's work suffers at this time."""
        while at_ms >= self.current.end_ms:
            self.current = self._next(self.current)
        if self.current.department != department or not self.current.active(at_ms):
            return CALM
        return EFFECTS[self.current.kind]

    def _next(self, last: Incident) -> Incident:
        start = last.end_ms + self._random.randint(*PEACE_MS)
        others = [name for name in self._departments if name != last.department]
        return Incident(
            department=self._random.choice(others or self._departments),
            kind=self._random.choice(KINDS),
            start_ms=start,
            end_ms=start + self._random.randint(*LASTS_MS),
        )
