"""An endless stream of what happens to tickets of an ordinary day, without times. Pure.

200 employees in ten departments of five teams. A ticket has seven events or six, among other
tickets' events: opened, assigned, reply, handled, resolved, survey sent, and mostly answered.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

UNDER_WAY: Final = 500
"""Tickets whose events mix: at 1,000 events a second a ticket lives for some seconds."""

_CHANNELS: Final = ("phone", "chat", "mail", "store")
_KINDS: Final = (
    ("ticket.assigned", 0.2),
    ("response.sent", 0.5),
    ("ticket.handled", 1.0),
    ("ticket.resolved", 1.0),
    ("survey.sent", 0.1),
)
_ANSWERED: Final = 0.7


class Fact(NamedTuple):
    """What happened to a ticket."""

    type: str
    ticket: str
    data: dict[str, object]


def facts(prefix: str, seed: int) -> Iterator[Fact]:
    """Tickets are named after ``prefix``; a ticket's facts come in order."""
    rng = Random(seed)  # noqa: S311 - the same load in every run
    agenda: list[tuple[float, int, int, Iterator[tuple[float, Fact]], Fact]] = []
    now, number = 0.0, 0
    while True:
        while len(agenda) < UNDER_WAY:
            number += 1
            history = _history(f"{prefix}-{number}", rng)
            after, fact = next(history)
            begins = now + after + rng.random()
            heapq.heappush(agenda, (begins, number, 0, history, fact))
        now, ticket, place, history, fact = heapq.heappop(agenda)
        yield fact
        following = next(history, None)
        if following is not None:
            after, fact = following
            heapq.heappush(agenda, (now + after, ticket, place + 1, history, fact))


def _history(ticket: str, rng: Random) -> Iterator[tuple[float, Fact]]:
    """Each fact, and how long after the one before (in no unit)."""
    department, team = rng.randrange(10), rng.randrange(5)
    employee = f"employee-{department}-{team}-{rng.randrange(4)}"
    holder: dict[str, object] = {
        "department": f"department-{department}",
        "team": f"team-{department}-{team}",
        "employee": employee,
    }
    opened = {
        "department": holder["department"],
        "channel": rng.choice(_CHANNELS),
        "category": f"category-{rng.randrange(12)}",
        "customer": f"customer-{rng.randrange(100_000)}",
    }
    data: dict[str, dict[str, object]] = {
        "ticket.assigned": holder,
        "response.sent": {"sender": "employee", "employee": employee},
        "ticket.handled": {"duration_ms": rng.randrange(30_000, 900_000), "employee": employee},
        "survey.sent": {"kind": "csat"},
    }
    yield 0.0, Fact("ticket.opened", ticket, opened)
    for kind, typical in _KINDS:
        yield typical * rng.uniform(0.5, 1.5), Fact(kind, ticket, data.get(kind, {}))
    if rng.random() < _ANSWERED:
        scale = {"min": 1, "max": 5}
        value = rng.choice((3, 4, 5, 5, 5))
        answer: dict[str, object] = {"kind": "csat", "scale": scale, "value": value}
        yield rng.uniform(0.5, 1.5), Fact("survey.answered", ticket, answer)
