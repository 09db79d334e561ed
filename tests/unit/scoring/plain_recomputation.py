"""Totals per department, recomputed in plain Python from the events as they were sent.

Written apart from the engine, from the definitions in the registry of indicators: nothing of
services.scoring is used but the limits in the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import xxhash

from services.scoring.core.rules import RuleHistory
from tests.unit.scoring.plain_promises import add_promises

Event = dict[str, Any]
Holder = tuple[str, str, str]

SAME_INSTANT = (
    "ticket.opened",
    "ticket.assigned",
    "ticket.customer_replied",
    "response.sent",
    "response.measured",
    "ticket.handled",
    "ticket.waiting",
    "ticket.resumed",
    "ticket.resolved",
    "survey.sent",
    "survey.answered",
    "ticket.complained",
    "ticket.reopened",
    "ticket.closed",
)


@dataclass
class Totals:
    """(department, indicator) to [n, total, good]."""

    sums: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    unresolved: int = 0
    indicators: frozenset[str] = frozenset(
        {
            "tickets_opened",
            "tickets_resolved",
            "tickets_reopened",
            "tickets_complained",
            "first_response_time",
            "resolution_time",
            "resolution_rate",
            "reopen_rate",
            "complaint_rate",
            "csat",
            "sla_attainment",
            "sla_at_risk",
        }
    )

    def add(self, holder: Holder, indicator: str, total: int, good: int) -> None:
        if holder[0]:
            n, t, g = self.sums.get((holder[0], indicator), (0, 0, 0))
            self.sums[holder[0], indicator] = (n + 1, t + total, g + good)


def totals_by_department(events: Iterable[Event], rules: RuleHistory, until_ms: int) -> Totals:
    """``until_ms`` is how far time has come at least."""
    tickets: dict[str, dict[tuple[str, str], Event]] = defaultdict(dict)
    for event in events:
        tickets[event["subject"]][event["source"], event["id"]] = event
    totals = Totals()
    reached = max(
        [until_ms, *(ms(event) for by_id in tickets.values() for event in by_id.values())]
    )
    for by_id in tickets.values():
        add_ticket(totals, sorted(by_id.values(), key=order), rules, reached)
    return totals


def order(event: Event) -> tuple[int, int, int]:
    identity = xxhash.xxh3_64_intdigest(f"{event['source']}\0{event['id']}".encode())
    return ms(event), SAME_INSTANT.index(event["type"]), identity


def ms(event: Event) -> int:
    return round(datetime.fromisoformat(event["time"]).timestamp() * 1000)


def holder_of(event: Event) -> Holder:
    data = event["data"]
    return data.get("department", ""), data.get("team", ""), data.get("employee", "")


def add_ticket(totals: Totals, events: list[Event], rules: RuleHistory, until_ms: int) -> None:
    opening = next(e for e in events if e["type"] == "ticket.opened")
    assignments = [e for e in events if e["type"] == "ticket.assigned"]
    first = holder_of(opening)
    if not any(first) and assignments:
        first = holder_of(assignments[0])

    def holder_at(position: int) -> Holder:
        before = [e for e in events[:position] if e["type"] == "ticket.assigned"]
        return holder_of(before[-1]) if before else first

    facts = [(ms(e), e["type"], e["data"], holder_at(n + 1)) for n, e in enumerate(events)]
    add_promises(totals.add, facts, rules, until_ms)
    status = "open"
    resolutions: list[tuple[Event, Holder]] = []
    reopenings = 0
    answered_by_person = False
    for position, event in enumerate(events):
        kind, holder = event["type"], holder_at(position)
        if kind == "response.sent" and event["data"]["sender"] == "employee":
            if not answered_by_person:
                answered_by_person = True
                duration(totals, rules, "first_response_time", (opening, event, 0), holder)
        elif kind == "ticket.resolved" and status != "resolved":
            status = "resolved"
            totals.add(holder, "tickets_resolved", 1, 1)
            if not resolutions:
                waited = waiting_ms(events[:position], event)
                duration(totals, rules, "resolution_time", (opening, event, waited), holder)
            resolutions.append((event, holder))
        elif kind == "ticket.reopened" and status != "open":
            if status == "resolved":
                reopenings += 1
                totals.add(resolutions[-1][1], "tickets_reopened", 1, 1)
            status = "open"
        elif kind == "ticket.closed" and status == "open":
            status = "closed unresolved"
        elif kind == "ticket.complained":
            totals.add(holder, "tickets_complained", 1, 1)
        elif kind == "survey.answered":
            value = event["data"]["value"]
            judged = resolutions[-1][1] if resolutions else holder
            totals.add(judged, "csat", (value - 1) * 250, int(value >= 4))
    complained = any(e["type"] == "ticket.complained" for e in events)
    totals.add(first, "tickets_opened", 1, 1)
    totals.add(first, "resolution_rate", 1, int(status == "resolved"))
    totals.add(first, "complaint_rate", 1, int(complained))
    if resolutions:
        totals.add(resolutions[0][1], "reopen_rate", 1, int(reopenings > 0))
    totals.unresolved += status == "open"


def waiting_ms(events: list[Event], end: Event) -> int:
    waited, since = 0, None
    for event in events:
        if event["type"] == "ticket.waiting" and since is None:
            since = ms(event)
        elif event["type"] == "ticket.resumed" and since is not None:
            waited, since = waited + ms(event) - since, None
    return waited if since is None else waited + ms(end) - since


def duration(
    totals: Totals,
    rules: RuleHistory,
    indicator: str,
    times: tuple[Event, Event, int],
    holder: Holder,
) -> None:
    """``times`` is an opening, what ended it, and how long it waited meanwhile."""
    opening, event, waited = times
    elapsed = ms(event) - ms(opening)
    if rules.at(ms(event)).exclude_waiting:
        elapsed -= waited
    limit = rules.at(ms(event)).limit_ms(indicator, *holder)
    totals.add(holder, indicator, elapsed, int(limit is not None and elapsed <= limit))
