"""A made-up stream of CloudEvents for a busy hour: the same seed gives the same bytes.

Every event lies in one hour of one day. Tickets are opened at somebody's desk or at nobody's,
change hands, are answered by bots and people, reopened, complained about, surveyed. Events arrive
up to two minutes late, so that what was measured has to be taken back and stated anew, and one in
thirty comes once more, much later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

START: Final = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
"""Ten in the morning in the organisation's zone, so that the hour lies within one of its days."""

OPENINGS_MS: Final = 40 * 60_000
LATE_MS: Final = 120_000
REPEATED: Final = 1 / 30
DEPARTMENTS: Final = ("customer-service", "after-sales", "technical-support", "stores")
CHANNELS: Final = ("phone", "chat", "mail")
TOPICS: Final = {"ticket": "tickets", "response": "response-times", "survey": "surveys"}


class Sent(NamedTuple):
    """A record of an input topic."""

    topic: str
    ticket: str
    value: bytes


class _Step(NamedTuple):
    after_ms: int
    type: str
    data: dict[str, Any]


def ticket_stream(tickets: int, seed: int) -> list[Sent]:
    """Some five events for each ticket, in the order of their arrival."""
    random = Random(seed)
    arriving: list[tuple[float, Sent]] = []
    for number in range(tickets):
        opened_ms = number * OPENINGS_MS // tickets
        for place, step in enumerate(_history(random)):
            sent = _event(f"T-{number:06d}", place, opened_ms, step)
            arrival = opened_ms + step.after_ms + random.random() ** 4 * LATE_MS
            arriving.append((arrival, sent))
            if random.random() < REPEATED:
                arriving.append((arrival + random.random() * OPENINGS_MS, sent))
    arriving.sort(key=lambda pair: pair[0])
    return [sent for _, sent in arriving]


def _history(random: Random) -> Iterator[_Step]:
    """Steps whose times all differ: which of two at the same instant came first is no question
    for this stream."""
    holder = _holder(random)
    place = {"channel": random.choice(CHANNELS), "category": f"category-{random.randrange(6)}"}
    at = 0
    at_a_desk = random.random() < 0.8
    yield _Step(at, "ticket.opened", {**place, **(holder if at_a_desk else {})})
    at += random.randrange(1_000, 20_000)
    if not at_a_desk or random.random() < 0.2:
        holder = _holder(random) if at_a_desk else holder
        yield _Step(at, "ticket.assigned", holder)
        at += random.randrange(1_000, 20_000)
    if random.random() < 0.2:
        yield _Step(at, "response.sent", {"sender": "bot"})
        at += random.randrange(1_000, 9_000)
    yield _Step(at, "response.sent", _reply(random))
    at += random.randrange(1_000, 400_000)
    if random.random() < 0.05:
        yield _Step(at, "ticket.complained", {})
        at += random.randrange(1_000, 9_000)
    for again in (True, False):
        yield _Step(at, "ticket.resolved", {})
        at += random.randrange(1_000, 60_000)
        if not again or random.random() > 0.1:
            break
        yield _Step(at, "ticket.reopened", {})
        at += random.randrange(1_000, 120_000)
    yield from _survey(random, at)


def _survey(random: Random, at: int) -> Iterator[_Step]:
    if random.random() < 0.6:
        yield _Step(at, "survey.sent", {"kind": "csat"})
        at += random.randrange(1_000, 90_000)
        if random.random() < 0.5:
            scale = {"min": 1, "max": 5}
            answer = {"kind": "csat", "scale": scale, "value": random.randint(1, 5)}
            yield _Step(at, "survey.answered", answer)


def _holder(random: Random) -> dict[str, Any]:
    department, team = random.choice(DEPARTMENTS), random.randrange(3)
    return {
        "department": department,
        "team": f"{department}-{team}",
        "employee": f"{department}-{team}-{random.randrange(4)}",
    }


def _reply(random: Random) -> dict[str, Any]:
    reply: dict[str, Any] = {"sender": "employee"}
    if random.random() < 0.1:
        reply["employee"] = f"helper-{random.randrange(5)}"
    return reply


def _event(ticket: str, place: int, opened_ms: int, step: _Step) -> Sent:
    time = (START + timedelta(milliseconds=opened_ms + step.after_ms)).isoformat()
    envelope = {
        "specversion": "1.0",
        "id": f"{ticket}-{place}",
        "source": "made-up",
        "type": step.type,
        "subject": ticket,
        "time": time,
        "receivedtime": time,
        "data": step.data,
    }
    value = json.dumps(envelope, separators=(",", ":")).encode()
    return Sent(TOPICS[step.type.partition(".")[0]], ticket, value)
