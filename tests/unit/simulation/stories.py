"""Short simulated stories for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploy.simulation.generator import Schedule, Simulation
from deploy.simulation.organisation import Organisation, load_organisation
from shared.contracts.decode import Event, decode_event

LIVE_MS = 1_790_000_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@dataclass(frozen=True)
class Story:
    """Decoded events with their times, in order."""

    events: list[tuple[int, Event]]

    def of(self, name: str, *, since: int = 0, until: int = 1 << 62) -> list[tuple[int, Any]]:
        """The events of this class name in [since, until)."""
        return [
            (at, event)
            for at, event in self.events
            if type(event).__name__ == name and since <= at < until
        ]


def simulation(
    *,
    rate: float = 20.0,
    seed: int = 7,
    past_ms: int = HOUR_MS,
    organisation: Organisation | None = None,
) -> Simulation:
    schedule = Schedule(LIVE_MS, rate)
    return Simulation(organisation or load_organisation(), schedule, LIVE_MS - past_ms, seed)


def tell(until_ms: int, source: Simulation) -> Story:
    events = source.events_until(until_ms)
    return Story([(event.at_ms, decode_event(event.body)) for event in events])
