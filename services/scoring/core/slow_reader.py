"""Reads what the compiled parser of events passes on: the unusual, and the wrong."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from services.scoring.core import ledger
from shared.contracts.decode import DecodeError, decode_event
from shared.contracts.fields import EARLIEST_TIME_MS, FUTURE_TOLERANCE_MS, LATEST_TIME_MS, epoch_ms


class Readable(Protocol):
    """What the engine reads of a Kafka record: aiokafka's have it. ``timestamp`` is in ms."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class SlowEvent(NamedTuple):
    """An event, as the compiled engine takes it: what `ledger.Fact` holds, and two things more."""

    subject: str
    received_ms: int
    time_ms: int
    kind: int
    event: int
    names: tuple[str, ...]
    numbers: tuple[int, ...]


Reason = tuple[str, str]
"""Why a record can never be processed: a word of the declared list, and the detail."""


def read_slowly(record: Readable) -> SlowEvent | Reason:
    """The event of a record, or why there is none."""
    try:
        event = decode_event(record.value or b"")
    except DecodeError as error:
        return "undecodable", str(error)
    if record.key != event.subject.encode():
        return "wrong_key", f"the ticket is {event.subject}"
    received = epoch_ms(event.receivedtime) if event.receivedtime else record.timestamp
    fact = ledger.fact_of(event)
    if fact.time_ms > received + FUTURE_TOLERANCE_MS:
        return "future", f"time is {event.time.isoformat()}"
    if not EARLIEST_TIME_MS <= fact.time_ms <= LATEST_TIME_MS:
        return "implausible_time", f"time is {event.time.isoformat()}"
    return SlowEvent(
        event.subject, received, fact.time_ms, fact.kind, fact.event, fact.names, fact.numbers
    )
