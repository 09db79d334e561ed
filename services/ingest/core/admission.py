"""Decides about one event: admitted, with the very bytes to publish, or refused with faults.

What is decoded here is the value that will be published, so consumers decode what was checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from services.ingest.core.extensions import extension_faults
from services.ingest.core.faults import Fault, contract_faults, fault
from services.ingest.core.keys import SourceKey
from shared.contracts.decode import DecodeError, Event, decode_event
from shared.contracts.fields import EARLIEST_TIME_MS, FUTURE_TOLERANCE_MS, epoch_ms
from shared.contracts.topics import topic_for

MAX_EVENT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Admitted:
    """`value` is the normalised structured CloudEvent, `key` the ticket id in UTF-8."""

    id: str
    type: str
    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """`id` and `type` are None where the event names none that can be used."""

    id: str | None
    type: str | None
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class Reception:
    """Who sends, and when it came: in milliseconds since 1970 and as RFC 3339 text in UTC."""

    key: SourceKey
    at_ms: int
    text: str


def reception(key: SourceKey, at: datetime) -> Reception:
    """`at` is aware."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Reception(key, epoch_ms(at), text)


def admit(item: Any, received: Reception) -> Admitted | Refused:
    """`item` is an event as parsed from JSON."""
    if not isinstance(item, dict):
        return Refused(None, None, [fault("an event is a JSON object")])
    value = orjson.dumps({**item, "receivedtime": received.text})
    try:
        event = decode_event(value)
    except DecodeError as error:
        found = contract_faults(value, str(error)) + extension_faults(item)
        return _refused(item, found + _source_fault(item.get("source"), received.key))
    found = _faults_beyond_contract(item, event, value, received)
    return _refused(item, found) if found else _admitted(item["type"], event, value)


def _admitted(event_type: str, event: Event, value: bytes) -> Admitted:
    topic = topic_for(event_type).name
    return Admitted(event.id, event_type, topic, event.subject.encode(), value)


def _refused(item: Mapping[str, Any], faults: list[Fault]) -> Refused:
    return Refused(_text(item.get("id")), _text(item.get("type")), faults)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= 200 else None


def _faults_beyond_contract(
    item: Mapping[str, Any], event: Event, value: bytes, received: Reception
) -> list[Fault]:
    found = extension_faults(item) + _source_fault(event.source, received.key)
    found += _time_faults(epoch_ms(event.time), received.at_ms)
    if len(value) > MAX_EVENT_BYTES:
        found.append(fault(f"an event has at most {MAX_EVENT_BYTES} bytes"))
    return found


def _source_fault(source: Any, key: SourceKey) -> list[Fault]:
    if not isinstance(source, str) or key.allows(source):
        return []
    return [fault("this API key may not send events of this source", "source")]


def _time_faults(moment: int, received: int) -> list[Fault]:
    if moment > received + FUTURE_TOLERANCE_MS:
        return [fault("lies over 5 minutes in the future: is the source's clock right?", "time")]
    if moment < EARLIEST_TIME_MS:
        return [fault("lies before the year 2000: is its unit right?", "time")]
    return []
