"""What `/openapi.json` says of `POST /v1/events`."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from shared.contracts.events import event_models
from shared.runtime.http.problem import MEDIA_TYPE, ProblemDocument

DESCRIPTION = """\
Takes events as structured CloudEvents 1.0 in JSON: one, or an array of them.

The answer comes after **all in-sync replicas of the broker have the events**: what is said to be
accepted is not lost. Each event of a batch is judged by itself. Sending an event again is
harmless: `source` and `id` identify it, and it counts once. Events of one ticket keep their order
within a request and over requests that follow each other.

`subject` is the ticket's id, unique over the organisation. `source` must be one that the API key
may report. `time` carries a zone and lies at most 5 minutes in the future.
"""


class ItemError(BaseModel):
    pointer: str = Field(description="JSON pointer into the event", examples=["/data/value"])
    detail: str = Field(description="What is wrong there")


class ItemResult(BaseModel):
    index: int = Field(description="Position of the event in the request, from 0")
    id: str | None = Field(description="The event's id, if it has one")
    status: Literal["accepted", "rejected", "retry"] = Field(
        description="`rejected`: not valid, never will be. `retry`: not delivered, send it again."
    )
    errors: list[ItemError]


class Receipt(BaseModel):
    accepted: int = Field(description="Events that all in-sync replicas have")
    rejected: int = Field(description="Events that are not valid")
    retry: int = Field(default=0, description="Valid events that could not be delivered in time")
    items: list[ItemResult] = Field(description="One for each event, in the order of the request")


EXAMPLE_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "evt-000001",
    "source": "crm-a",
    "type": "ticket.opened",
    "subject": "T-1001",
    "time": "2026-01-02T03:04:05.678Z",
    "datacontenttype": "application/json",
    "data": {"department": "after-sales", "channel": "phone", "category": "refund"},
}
EXAMPLE_ANSWER: dict[str, Any] = {
    **EXAMPLE_EVENT,
    "id": "evt-000002",
    "type": "survey.answered",
    "data": {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 5},
}
EXAMPLE_RECEIPT: dict[str, Any] = {
    "accepted": 1,
    "rejected": 1,
    "items": [
        {"index": 0, "id": "evt-000001", "status": "accepted", "errors": []},
        {
            "index": 1,
            "id": "evt-000002",
            "status": "rejected",
            "errors": [{"pointer": "/data/scale", "detail": "Field required"}],
        },
    ],
}


def _problem(description: str) -> dict[str, Any]:
    schema = ProblemDocument.model_json_schema()
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "At least one event is stored (or the batch was empty)",
        "model": Receipt,
        "content": {"application/json": {"example": EXAMPLE_RECEIPT}},
    },
    401: _problem("No API key, or none that is in force"),
    413: _problem("The body or the batch is too large"),
    415: _problem("Not one of the three media types"),
    422: _problem("No event is valid; `errors` and `items` say why"),
    503: _problem("The broker is away or overloaded; `Retry-After` says when to try again"),
}


def _event_schema() -> dict[str, Any]:
    """Names the envelope and the types; the full schemas are under docs/."""
    return {
        "type": "object",
        "title": "Event",
        "required": ["specversion", "id", "source", "type", "subject", "time"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "Unique within the source"},
            "source": {"type": "string", "description": "The system that reports the fact"},
            "type": {"type": "string", "enum": sorted(event_models())},
            "subject": {"type": "string", "description": "The ticket's id"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"type": "string"},
            "dataschema": {"type": "string"},
            "data": {"type": "object"},
        },
        "additionalProperties": {"type": ["string", "integer", "boolean"]},
    }


def _content(schema: dict[str, Any], **examples: Any) -> dict[str, Any]:
    return {"schema": schema, "examples": {name: {"value": one} for name, one in examples.items()}}


_ONE = _event_schema()
_MANY = {"type": "array", "items": _ONE}
_EITHER = {"oneOf": [_ONE, _MANY]}
_TWO_EVENTS = [EXAMPLE_EVENT, EXAMPLE_ANSWER]

OPENAPI: dict[str, Any] = {
    "security": [{"bearer": []}, {"apiKey": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": _content(_ONE, opened=EXAMPLE_EVENT),
            "application/cloudevents-batch+json": _content(_MANY, two=_TWO_EVENTS),
            "application/json": _content(_EITHER, opened=EXAMPLE_EVENT, two=_TWO_EVENTS),
        },
    },
}

SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key of the source"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
