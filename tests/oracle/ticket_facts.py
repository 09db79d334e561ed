"""What a stream of simple tickets must be measured as, recomputed in plain Python from its bytes.

Written apart from the engine, from the definitions in the registry of indicators: of
services.scoring only the limits in the rules are used.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.scoring.core.rules import RuleHistory

MINUTE_MS: Final = 60_000
KNOWN: Final = frozenset(
    {
        *("tickets_opened", "tickets_resolved", "tickets_reopened", "tickets_complained"),
        *("first_response_time", "resolution_time"),
        *("resolution_rate", "reopen_rate", "complaint_rate"),
        *("csat", "survey_response_rate"),
    }
)
"""The indicators that are recomputed here; of others nothing is said."""

Event = dict[str, Any]


class FactKey(NamedTuple):
    """What measurements are summed up by: ``minute_ms`` is the start of the minute of booking."""

    indicator: str
    minute_ms: int
    department: str
    team: str
    employee: str
    channel: str
    category: str


class Sums(NamedTuple):
    """Cases, their exact integer sum, and the good ones."""

    n: int
    total: int
    good: int


Facts = dict[FactKey, Sums]


class _Row(NamedTuple):
    key: FactKey
    value: int
    good: int


class _Holder(NamedTuple):
    department: str
    team: str
    employee: str


def recompute(values: Iterable[bytes], rules: RuleHistory) -> Facts:
    """The sums of a stream, however often and in whatever order its events come."""
    tickets: dict[str, dict[tuple[str, str], Event]] = defaultdict(dict)
    for value in values:
        event = json.loads(value)
        tickets[event["subject"]][event["source"], event["id"]] = event
    rows = (row for events in tickets.values() for row in _Story(events.values(), rules).rows())
    return add_up((row.key, Sums(1, row.value, row.good)) for row in rows)


def add_up(parts: Iterable[tuple[FactKey, Sums]]) -> Facts:
    """Sums by key; what adds up to nothing is left out."""
    sums: dict[FactKey, list[int]] = defaultdict(lambda: [0, 0, 0])
    for key, part in parts:
        row = sums[key]
        row[0] += part.n
        row[1] += part.total
        row[2] += part.good
    return {key: Sums(*row) for key, row in sums.items() if any(row)}


class _Story:
    """One ticket's events in order of time."""

    def __init__(self, events: Iterable[Event], rules: RuleHistory) -> None:
        self._events = sorted(events, key=_ms)
        self._rules = rules
        (self._opening,) = (e for e in self._events if e["type"] == "ticket.opened")

    def rows(self) -> Iterator[_Row]:
        resolved, reopened = self._all("ticket.resolved"), self._all("ticket.reopened")
        opener = self._holder_at(_ms(self._opening))
        ended_well = len(resolved) > len(reopened)
        complained = self._all("ticket.complained")
        yield self._count("tickets_opened", self._opening, opener)
        yield self._count("resolution_rate", self._opening, opener, int(ended_well))
        yield self._count("complaint_rate", self._opening, opener, int(bool(complained)))
        for event in complained:
            yield self._count("tickets_complained", event, self._holder_at(_ms(event)))
        yield from self._first_response()
        yield from self._resolutions(resolved, reopened)
        yield from self._surveys()

    def _first_response(self) -> Iterator[_Row]:
        for event in self._all("response.sent"):
            if event["data"]["sender"] == "employee":
                holder = self._holder_at(_ms(event))
                named = event["data"].get("employee", holder.employee)
                yield self._duration("first_response_time", event, holder._replace(employee=named))
                return

    def _resolutions(self, resolved: list[Event], reopened: list[Event]) -> Iterator[_Row]:
        for event in resolved:
            yield self._count("tickets_resolved", event, self._holder_at(_ms(event)))
        for event in reopened:
            yield self._count("tickets_reopened", event, self._resolver_at(_ms(event)))
        if resolved:
            first = resolved[0]
            holder = self._holder_at(_ms(first))
            yield self._duration("resolution_time", first, holder)
            yield self._count("reopen_rate", first, holder, int(bool(reopened)))

    def _surveys(self) -> Iterator[_Row]:
        answers = self._all("survey.answered")
        for event in self._all("survey.sent"):
            holder = self._resolver_at(_ms(event))
            yield self._count("survey_response_rate", event, holder, int(bool(answers)))
        for event in answers:
            value = event["data"]["value"]
            holder = self._resolver_at(_ms(event))
            yield _Row(self._key("csat", event, holder), (value - 1) * 250, int(value >= 4))

    def _all(self, kind: str) -> list[Event]:
        return [event for event in self._events if event["type"] == kind]

    def _holder_at(self, at_ms: int) -> _Holder:
        """Who holds the ticket; before the first assignment whoever it was opened at, or who came
        first to hold it."""
        names = self._opening["data"]
        for event in self._all("ticket.assigned"):
            if _ms(event) < at_ms or "department" not in names:
                names = event["data"]
        return _Holder(*(names.get(part, "") for part in _Holder._fields))

    def _resolver_at(self, at_ms: int) -> _Holder:
        before = [_ms(event) for event in self._all("ticket.resolved") if _ms(event) < at_ms]
        return self._holder_at(before[-1] if before else at_ms)

    def _count(self, indicator: str, event: Event, holder: _Holder, good: int = 1) -> _Row:
        return _Row(self._key(indicator, event, holder), 1, good)

    def _duration(self, indicator: str, event: Event, holder: _Holder) -> _Row:
        value = _ms(event) - _ms(self._opening)
        limit = self._rules.at(_ms(event)).limit_ms(indicator, *holder)
        good = int(limit is not None and value <= limit)
        return _Row(self._key(indicator, event, holder), value, good)

    def _key(self, indicator: str, event: Event, holder: _Holder) -> FactKey:
        data = self._opening["data"]
        minute_ms = _ms(event) // MINUTE_MS * MINUTE_MS
        return FactKey(indicator, minute_ms, *holder, data["channel"], data["category"])


def _ms(event: Event) -> int:
    return round(datetime.fromisoformat(event["time"]).timestamp() * 1000)
