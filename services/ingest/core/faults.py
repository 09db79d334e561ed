"""Names every mistake in an event with a JSON pointer (RFC 6901) into that event."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from pydantic import ValidationError

from shared.contracts.events import EVENT_ADAPTER, event_models

EVENT_TYPES = frozenset(event_models())


class Fault(TypedDict):
    """`pointer` is empty when the fault concerns the whole event."""

    pointer: str
    detail: str


def fault(detail: str, *location: str | int) -> Fault:
    return Fault(pointer=pointer(location), detail=detail)


def pointer(location: Sequence[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def contract_faults(value: bytes, summary: str) -> list[Fault]:
    """All that the contract has against `value`; `summary` is what the fast decoder said."""
    try:
        EVENT_ADAPTER.validate_json(value)
    except ValidationError as error:
        return [_from_pydantic(found) for found in error.errors(include_url=False)]
    return [fault(summary)]


def _from_pydantic(found: Any) -> Fault:
    location: tuple[str | int, ...] = found["loc"]
    if found["type"].startswith("union_tag"):
        return fault(_about_type(found.get("ctx", {})), "type")
    if location[:1] and location[0] in EVENT_TYPES:  # the tag of the union, no part of the event
        location = location[1:]
    return fault(found["msg"], *location)


def _about_type(context: Mapping[str, Any]) -> str:
    given = context.get("tag")
    known = ", ".join(sorted(EVENT_TYPES))
    return f"no event type{f' {given!r}' if given else ' is given'}; known are {known}"
