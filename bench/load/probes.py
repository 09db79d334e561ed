"""Events that each cause one breach: how the time from an event to its alert is measured. Pure.

A probe department may have no open ticket (`RULE`). A ticket opened there is a breach at once, by
that event alone; half a period later it is resolved and the breach ends, and the department can
serve again. Departments take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

DEPARTMENTS: Final = 60
PER_SECOND: Final = 6.0
PERIOD_S: Final = DEPARTMENTS / PER_SECOND
TARGET: Final = "probe"

RULE: Final[dict[str, Any]] = {
    "id": TARGET,
    "name": {"en": "No ticket is open", "zh": "无未结工单"},
    "indicator": "backlog",
    "measure": "value",
    "at_most": 0,
    "window": "5m",
    "applies_to": [f"department:probe-{place}" for place in range(DEPARTMENTS)],
    "severity": "critical",
}
"""The target that probes miss, as a rule set writes it."""


class Probe(NamedTuple):
    """``at_s`` is when it is due, in seconds from the start."""

    at_s: float
    department: str
    ticket: str
    opens: bool


@dataclass(frozen=True)
class Sent:
    """An opening probe: its event's time, and when the sender was told that it is accepted, both
    in milliseconds since 1970."""

    department: str
    due_ms: float
    accepted_ms: float


@dataclass(frozen=True)
class Arrival:
    """A first attempt at the receiver: the breach's beginning in stream time, and the moment."""

    department: str
    started_ms: float
    at_ms: float


@dataclass(frozen=True)
class Matched:
    """Milliseconds from acceptance, and from the due time, to the attempt; and how many probes had
    no alert."""

    from_accepted_ms: list[float]
    from_due_ms: list[float]
    missing: int


def schedule(prefix: str, seconds: float) -> list[Probe]:
    """All probes in order. What is opened is resolved before the end."""
    probes: list[Probe] = []
    number = 0
    while (at_s := number / PER_SECOND) + PERIOD_S / 2 < seconds:
        department, ticket = f"probe-{number % DEPARTMENTS}", f"{prefix}-probe-{number}"
        probes.append(Probe(at_s, department, ticket, opens=True))
        probes.append(Probe(at_s + PERIOD_S / 2, department, ticket, opens=False))
        number += 1
    return sorted(probes)


def match(sent: Iterable[Sent], arrivals: Iterable[Arrival]) -> Matched:
    """An alert belongs to the last probe of its department that was due when the breach began;
    stream time is the clock's while events are fresh."""
    alerts: dict[str, list[Arrival]] = {}
    for arrival in sorted(arrivals, key=lambda arrival: arrival.at_ms):
        alerts.setdefault(arrival.department, []).append(arrival)
    by_department: dict[str, list[Sent]] = {}
    for probe in sorted(sent, key=lambda probe: probe.due_ms):
        by_department.setdefault(probe.department, []).append(probe)
    pairs: list[tuple[Sent, Arrival | None]] = []
    for department, probes in by_department.items():
        pairs += _pairs(probes, alerts.get(department, []))
    found = [(probe, arrival) for probe, arrival in pairs if arrival is not None]
    return Matched(
        [arrival.at_ms - probe.accepted_ms for probe, arrival in found],
        [arrival.at_ms - probe.due_ms for probe, arrival in found],
        len(pairs) - len(found),
    )


def _pairs(
    probes: Sequence[Sent], alerts: Sequence[Arrival]
) -> Iterable[tuple[Sent, Arrival | None]]:
    for place, probe in enumerate(probes):
        until = probes[place + 1].due_ms if place + 1 < len(probes) else float("inf")
        own = (alert for alert in alerts if probe.due_ms <= alert.started_ms < until)
        yield probe, next(own, None)
