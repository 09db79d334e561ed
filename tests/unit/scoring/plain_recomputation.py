"""Totals per department, recomputed in plain Python from the events as they were sent.

Written apart from the engine, from the definitions in the registry of indicators: nothing of
services.scoring is used but the limits and the allocated cost in the rules.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

import xxhash

from services.scoring.core.rules import RuleHistory
from tests.unit.scoring.plain_promises import add_promises

Event = dict[str, Any]
Holder = tuple[str, str, str]

HOUR = 3_600_000
METRICS = ("first_response_time", "next_response_time", "resolution_time", "handling_time")

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
            "next_response_time",
            "next_response_time_business",
            "handling_time",
            "first_contact_resolution",
            "nps",
            "ces",
            "cost_per_ticket",
            "qa_score",
            "peer_review",
            "manager_review",
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


HolderAt = Callable[[int], Holder]
"""Who holds a ticket just before its event of this place."""


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
    reopenings: list[Event] = []
    for position, event in enumerate(events):
        kind, holder = event["type"], holder_at(position)
        if kind == "ticket.resolved" and status != "resolved":
            status = "resolved"
            totals.add(holder, "tickets_resolved", 1, 1)
            if not resolutions:
                waited = waiting_ms(events[:position], event)
                span = (ms(opening), ms(event))
                duration(totals, rules, "resolution_time", span, holder, waited=waited)
            resolutions.append((event, holder))
        elif kind == "ticket.reopened" and status != "open":
            if status == "resolved":
                reopenings.append(event)
                totals.add(resolutions[-1][1], "tickets_reopened", 1, 1)
            status = "open"
        elif kind == "ticket.closed" and status == "open":
            status = "closed unresolved"
        elif kind == "ticket.complained":
            totals.add(holder, "tickets_complained", 1, 1)
        elif kind == "survey.answered":
            add_answer(totals, event["data"], resolutions[-1][1] if resolutions else holder)
    complained = any(e["type"] == "ticket.complained" for e in events)
    totals.add(first, "tickets_opened", 1, 1)
    totals.add(first, "resolution_rate", 1, int(status == "resolved"))
    totals.add(first, "complaint_rate", 1, int(complained))
    totals.add(first, "cost_per_ticket", rules.at(ms(opening)).allocated_cost + cost(events), 0)
    if resolutions:
        at, resolver = resolutions[0]
        early = [e for e in reopenings if ms(e) < ms(at) + 7 * 24 * HOUR]
        totals.add(resolver, "reopen_rate", 1, int(bool(reopenings)))
        totals.add(resolver, "first_contact_resolution", 1, int(not early))
    totals.unresolved += status == "open"
    known = add_responses(totals, events, rules, holder_at)
    known |= add_handling(totals, events, holder_at)
    known |= {"resolution_time"} if resolutions else set()
    add_measured(totals, events, rules, holder_at, known)


def add_responses(
    totals: Totals, events: list[Event], rules: RuleHistory, holder_at: HolderAt
) -> set[str]:
    """Replies by people, whose first is the first response. Returns what could be clocked."""
    opening = next(e for e in events if e["type"] == "ticket.opened")
    clocked: set[str] = set()
    is_open, waiting_since = True, 0
    for position, event in enumerate(events):
        kind = event["type"]
        if kind in ("ticket.resolved", "ticket.closed") and is_open:
            is_open, waiting_since = False, 0
        elif kind == "ticket.reopened" and not is_open:
            is_open, waiting_since = True, waiting_since and ms(event)
        elif kind == "ticket.customer_replied" and "first_response_time" in clocked:
            waiting_since = waiting_since or ms(event)
        elif kind == "response.sent" and event["data"]["sender"] == "employee":
            if "first_response_time" not in clocked:
                clocked.add("first_response_time")
                span = (ms(opening), ms(event))
                duration(totals, rules, "first_response_time", span, holder_at(position))
            elif waiting_since and is_open:
                clocked.add("next_response_time")
                span = (waiting_since, ms(event))
                duration(totals, rules, "next_response_time", span, holder_at(position))
                business = "next_response_time_business"
                totals.add(holder_at(position), business, office_ms(*span), 0)
            waiting_since = 0
    return clocked


def add_handling(totals: Totals, events: list[Event], holder_at: HolderAt) -> set[str]:
    segments = [(p, e) for p, e in enumerate(events) if e["type"] == "ticket.handled"]
    for position, event in segments:
        totals.add(holder_at(position), "handling_time", event["data"]["duration_ms"], 0)
    return {"handling_time"} if segments else set()


def cost(events: list[Event]) -> int:
    """Of handling, in the currency CNY."""
    segments = [e["data"] for e in events if e["type"] == "ticket.handled"]
    in_currency = [data for data in segments if data.get("currency", "CNY") == "CNY"]
    return sum(data.get("cost_minor", 0) for data in in_currency)


def add_measured(
    totals: Totals, events: list[Event], rules: RuleHistory, holder_at: HolderAt, known: set[str]
) -> None:
    """What the source measured itself, where the events do not tell it."""
    for metric in METRICS:
        found = [p for p, e in enumerate(events) if e["data"].get("metric") == metric]
        several = metric in ("next_response_time", "handling_time")
        for position in [] if metric in known else found if several else found[:1]:
            event = events[position]
            span = (ms(event) - event["data"]["duration_ms"], ms(event))
            duration(totals, rules, metric, span, holder_at(position))


def add_answer(totals: Totals, data: dict[str, Any], judged: Holder) -> None:
    """An answer under rules that want csat of 1 to 5, nps-v1 and quality of 0 to 100."""
    kind, role, value = data["kind"], data.get("rater_role", "customer"), data["value"]
    scale = (data["scale"]["min"], data["scale"]["max"])
    share = Fraction(value - scale[0], scale[1] - scale[0])
    per_mille = math.floor(1000 * share + Fraction(1, 2))
    if kind == "csat" and role == "customer" and scale == (1, 5):
        totals.add(judged, "csat", (value - 1) * 250, int(value >= 4))
    elif kind == "nps" and role == "customer" and scale == (0, 10):
        if data.get("wording") == "nps-v1":
            balance = 1 if value > 8 else 0 if value > 6 else -1
            totals.add(judged, "nps", balance, int(value > 8))
    elif kind == "ces" and role == "customer" and scale == (1, 7):
        totals.add(judged, "ces", per_mille, 0)
    elif kind == "qa" and scale == (0, 100):
        totals.add(judged, "qa_score", value * 10, 0)
    elif kind == "review" and role != "customer":
        totals.add(judged, f"{role}_review", per_mille, 0)


def office_ms(start: int, end: int) -> int:
    """How much of the span lies between 9 and 17 o'clock in UTC."""
    days = range(start // (24 * HOUR), end // (24 * HOUR) + 1)
    bounds = ((day * 24 * HOUR + 9 * HOUR, day * 24 * HOUR + 17 * HOUR) for day in days)
    return sum(max(0, min(end, close) - max(start, begin)) for begin, close in bounds)


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
    span: tuple[int, int],
    holder: Holder,
    *,
    waited: int = 0,
) -> None:
    elapsed = span[1] - span[0]
    if rules.at(span[1]).exclude_waiting:
        elapsed -= waited
    limit = rules.at(span[1]).limit_ms(indicator, *holder)
    totals.add(holder, indicator, elapsed, int(limit is not None and elapsed <= limit))
