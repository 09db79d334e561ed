"""A state with many open tickets, made by the engine itself from two events to a ticket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from services.scoring.core.changelog import decode_changelog
from services.scoring.core.engine import Engine, Record
from services.scoring.core.rules import RuleHistory

START_MS: Final = 1_767_225_600_000
HOUR_MS: Final = 3_600_000
INPUTS: Final = 3
APART_MS: Final = 7
_TICKETS_PER_FLUSH: Final = 2_500


def changelog(
    partition: int, tickets: range, employees: int, rules: RuleHistory, apart_ms: int = APART_MS
) -> Iterator[bytes]:
    """What an engine stores that has opened these tickets, one so long after the other, each with
    an assignment; with the positions of topics that are still empty."""
    engine = Engine(partition, rules, INPUTS)
    offset = 0
    for first in range(tickets.start, tickets.stop, _TICKETS_PER_FLUSH):
        numbers = range(first, min(first + _TICKETS_PER_FLUSH, tickets.stop))
        records = [
            Record(0, time_ms, name_of(number).encode(), value)
            for number in numbers
            for time_ms, value in _events(number, employees, apart_ms)
        ]
        engine.process(0, [r._replace(offset=offset + i) for i, r in enumerate(records)])
        offset += len(records)
        for stored in engine.flush(caught_up=False).changelog:
            record = decode_changelog(stored)
            record.positions = [0] * INPUTS
            yield msgspec.msgpack.encode(record)


def name_of(number: int) -> str:
    """The id of a ticket."""
    return f"T-{number:08d}"


def cloud_event(ticket: int, type_: str, time_ms: int, data: dict[str, Any]) -> bytes:
    """An event as ingest publishes it; a ticket has one of each type."""
    time_text = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    event = {
        "specversion": "1.0",
        "id": f"{name_of(ticket)}-{type_}",
        "source": "crm-a",
        "type": type_,
        "subject": name_of(ticket),
        "time": time_text,
        "receivedtime": time_text,
        "data": data,
    }
    return json.dumps(event).encode()


def _events(number: int, employees: int, apart_ms: int) -> Iterator[tuple[int, bytes]]:
    employee = number % employees
    holder = {
        "department": f"department-{employee % 10}",
        "team": f"team-{employee % 100}",
        "employee": f"employee-{employee}",
    }
    opened_ms = START_MS + number * apart_ms % HOUR_MS
    data = {"channel": "phone", "category": f"category-{number % 20}", **holder}
    yield opened_ms, cloud_event(number, "ticket.opened", opened_ms, data)
    assigned_ms = opened_ms + 2_000
    yield assigned_ms, cloud_event(number, "ticket.assigned", assigned_ms, holder)
