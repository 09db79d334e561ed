"""The simulated organisation as a stream of events. Pure: time and randomness come from outside.

The same seed, start and rates give the same events, however the time is cut into steps.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from deploy.events_client.cloudevent import encode_event
from deploy.simulation.arrivals import ArrivalRate
from deploy.simulation.incidents import Incidents
from deploy.simulation.organisation import Organisation
from deploy.simulation.ticket import Outcome, Ticket, World, advance, new_ticket, pick

SOURCE: Final = "simulator"
MAX_OPEN: Final = 200_000
"""No ticket is opened while so many are under way: memory stays bounded."""
FULL_RATE_MS: Final = 12 * 60_000
THIN_RATE: Final = 3.0
PEAK: Final = 2.0


@dataclass(frozen=True)
class SimulatedEvent:
    """``body`` is a CloudEvent in JSON, ``at_ms`` its time."""

    at_ms: int
    body: bytes


@dataclass(frozen=True)
class Schedule:
    """How dense the stream is. ``rate`` events per second from some minutes before ``live_ms``
    on; the older past is thinner, for it only has to fill the windows."""

    live_ms: int
    rate: float

    def rate_at(self, at_ms: int) -> float:
        if at_ms >= self.live_ms - FULL_RATE_MS:
            return self.rate
        return min(self.rate, THIN_RATE)


class Simulation:
    """Begins at ``start_ms``, with nothing open."""

    def __init__(
        self, organisation: Organisation, schedule: Schedule, start_ms: int, seed: int
    ) -> None:
        self._organisation = organisation
        self._schedule = schedule
        self._random = Random(seed)  # noqa: S311 - a story that can be told again, no secret
        self._zone = ZoneInfo(organisation.zone)
        self._prefix = f"S{start_ms // 1000:x}"
        self._arrivals = ArrivalRate()
        self._agenda: list[tuple[int, int, Ticket]] = []
        self._tickets = 0
        self._steps = 0
        self._next_arrival = start_ms
        troubles = Random(seed + 1)  # noqa: S311 - as above
        self.incidents = Incidents(list(organisation.departments), schedule.live_ms, troubles)

    @property
    def under_way(self) -> int:
        """Tickets that something will still happen to."""
        return len(self._agenda)

    def events_until(self, now_ms: int) -> Iterator[SimulatedEvent]:
        """What happens up to ``now_ms``, in the order of time; ask with growing times."""
        while (at := self._next_ms()) <= now_ms:
            if self._agenda and self._agenda[0][0] == at:
                yield from self._step(at)
            else:
                self._arrive(at)

    def _next_ms(self) -> int:
        return min(self._agenda[0][0], self._next_arrival) if self._agenda else self._next_arrival

    def _arrive(self, at_ms: int) -> None:
        if len(self._agenda) < MAX_OPEN:
            self._tickets += 1
            ticket_id = f"{self._prefix}-{self._tickets:06d}"
            department = pick(self._demand(at_ms), self._random)
            profile = self._organisation.departments[department]
            self._plan(at_ms, new_ticket(ticket_id, department, profile, self._random))
        rate = self._arrivals.tickets_per_s(self._schedule.rate_at(at_ms))
        self._next_arrival = at_ms + max(1, round(self._random.expovariate(rate) * 1000))

    def _demand(self, at_ms: int) -> dict[str, float]:
        """The departments' shares at this hour; the sum of all follows the asked rate."""
        hour = self._hour(at_ms)
        return {
            name: department.share * (PEAK if hour in department.peak_hours else 1.0)
            for name, department in self._organisation.departments.items()
        }

    def _step(self, at_ms: int) -> Iterator[SimulatedEvent]:
        ticket = heapq.heappop(self._agenda)[2]
        effect = self.incidents.effect(ticket.department, at_ms)
        world = World(self._organisation, effect, self._hour(at_ms), self._random)
        outcome = advance(ticket, world)
        yield from self._events(ticket, outcome, at_ms)
        self._arrivals.emitted(at_ms, len(outcome.facts))
        if outcome.next_s is None:
            self._arrivals.finished(ticket.events)
        else:
            self._plan(at_ms + max(1, round(outcome.next_s * 1000)), ticket)

    def _events(self, ticket: Ticket, outcome: Outcome, at_ms: int) -> Iterator[SimulatedEvent]:
        for fact in outcome.facts:
            ticket.events += 1
            body = encode_event(
                source=SOURCE,
                id=f"{ticket.id}-{ticket.events}",
                type=fact.type,
                subject=ticket.id,
                at_ms=at_ms,
                data=fact.data,
            )
            yield SimulatedEvent(at_ms, body)

    def _plan(self, at_ms: int, ticket: Ticket) -> None:
        self._steps += 1
        heapq.heappush(self._agenda, (at_ms, self._steps, ticket))

    def _hour(self, at_ms: int) -> int:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._zone).hour
