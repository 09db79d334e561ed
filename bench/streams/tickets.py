"""The stream of the job *full*: CloudEvents of tickets, replies and surveys, as ingest publishes
them, about 200 events a second of event time.

10 departments of 10 teams of 10 employees; a ticket lives for some minutes, and thousands are
open. Every history is simple enough for its figures to be written down while it is drawn, apart
from the product's arithmetic: see `Expected`.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

TICKETS_PER_SECOND: Final = 40
_TOPICS: Final = {"ticket": "tickets", "response": "response-times", "survey": "surveys"}
_CHANNELS: Final = ("phone", "chat", "mail", "store")


class CloudEvent(NamedTuple):
    """A record of an input topic; ``order_ms`` is its event time from the start of the stream."""

    order_ms: int
    topic: str
    ticket: str
    value: bytes


@dataclass
class Expected:
    """Totals over all tickets: indicator id to [n, total]."""

    totals: dict[str, list[int]] = field(default_factory=dict)

    def add(self, indicator: str, value: int) -> None:
        row = self.totals.setdefault(indicator, [0, 0])
        row[0] += 1
        row[1] += value


class _Step(NamedTuple):
    after_ms: int
    type: str
    data: dict[str, object]


def events(count: int, start_ms: int, expected: Expected, seed: int = 1) -> Iterator[CloudEvent]:
    """The first ``count`` events in order of their times; ``expected`` is filled on the way.

    The last tickets of the stream are cut off wherever it ends, and ``expected`` with them. One
    event in a hundred comes twice.
    """
    rng = random.Random(seed)  # noqa: S311 - the figures must be the same in every run
    start = datetime.fromtimestamp(start_ms / 1000, UTC)
    waiting: list[tuple[int, int, int, list[_Step], str]] = []
    ticket = given = 0
    while given < count:
        opening_ms = ticket * 1000 // TICKETS_PER_SECOND
        if not waiting or waiting[0][0] >= opening_ms:
            steps = _history(rng)
            heapq.heappush(waiting, (opening_ms, ticket, 0, steps, f"T-{ticket:08d}"))
            ticket += 1
            continue
        now_ms, number, place, steps, name = heapq.heappop(waiting)
        event = _encode(start, now_ms, name, place, steps[place])
        _expect(expected, steps[place])
        yield event
        given += 1
        if (number + place) % 100 == 0 and given < count:
            yield event
            given += 1
        if place + 1 < len(steps):
            later_ms = now_ms - steps[place].after_ms + steps[place + 1].after_ms
            heapq.heappush(waiting, (later_ms, number, place + 1, steps, name))


def _history(rng: random.Random) -> list[_Step]:
    department, team, employee = rng.randrange(10), rng.randrange(10), rng.randrange(10)
    holder: dict[str, object] = {
        "department": f"department-{department}",
        "team": f"team-{department}-{team}",
        "employee": f"employee-{department}-{team}-{employee}",
    }
    opened: dict[str, object] = {
        "channel": rng.choice(_CHANNELS),
        "category": f"category-{rng.randrange(20)}",
        "customer": f"customer-{rng.randrange(100_000)}",
        **holder,
    }
    reply_ms = 5_000 + int(rng.expovariate(1 / 30_000))
    solved_ms = reply_ms + 10_000 + int(rng.expovariate(1 / 120_000))
    steps = [
        _Step(0, "ticket.opened", opened),
        _Step(reply_ms, "response.sent", {"sender": "employee", "employee": holder["employee"]}),
        _Step(solved_ms, "ticket.resolved", {}),
        _Step(solved_ms + 5_000, "survey.sent", {"kind": "csat"}),
    ]
    if rng.random() < 0.5:
        steps.insert(1, _Step(2_000, "ticket.assigned", holder))
    if rng.random() < 0.4:
        scale = {"min": 1, "max": 5}
        answer = {"kind": "csat", "scale": scale, "value": rng.randint(1, 5)}
        after_ms = solved_ms + 5_000 + int(rng.expovariate(1 / 60_000))
        steps.append(_Step(after_ms, "survey.answered", answer))
    return steps


def _encode(start: datetime, at_ms: int, ticket: str, place: int, step: _Step) -> CloudEvent:
    time = (start + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    time = time.replace("+00:00", "Z")
    envelope = {
        "specversion": "1.0",
        "id": f"{ticket}-{place}",
        "source": "crm-a",
        "type": step.type,
        "subject": ticket,
        "time": time,
        "datacontenttype": "application/json",
        "receivedtime": time,
        "data": step.data,
    }
    value = json.dumps(envelope, separators=(",", ":")).encode()
    return CloudEvent(at_ms, _TOPICS[step.type.partition(".")[0]], ticket, value)


def _expect(expected: Expected, step: _Step) -> None:
    if step.type == "ticket.opened":
        expected.add("tickets_opened", 1)
    elif step.type == "response.sent":
        expected.add("first_response_time", step.after_ms)
    elif step.type == "ticket.resolved":
        expected.add("tickets_resolved", 1)
        expected.add("resolution_time", step.after_ms)
    elif step.type == "survey.answered":
        answer = step.data["value"]
        assert isinstance(answer, int)
        expected.add("csat", (answer - 1) * 250)
