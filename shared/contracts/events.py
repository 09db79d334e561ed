"""Events v1 as Pydantic models: the readable contract, its JSON Schemas, and exact error places.

Every event is a structured CloudEvent 1.0. ``subject`` is the ticket's id, unique over the whole
organisation; ``(source, id)`` identifies an event, so the same event sent twice counts once.
The hot path uses `shared.contracts.decode`, which accepts and refuses the same bytes.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from shared.contracts.decode import check_answer, check_correction, check_scale, decode_event
from shared.contracts.fields import (
    CONTENT_TYPE_PATTERN,
    CURRENCY_PATTERN,
    MAX_COST_MINOR,
    MAX_DURATION_MS,
    NAME_LENGTH,
    NAME_PATTERN,
    TEXT_LENGTH,
    TEXT_PATTERN,
    parse_timestamp,
)
from shared.contracts.json_text import check_text


def _timestamp(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 date-time with a zone")  # noqa: TRY004 - Pydantic reports only ValueError as a validation error
    try:
        return parse_timestamp(value)
    except msgspec.ValidationError as error:
        raise ValueError(f"must be an RFC 3339 date-time with a zone: {error}") from None


Timestamp = Annotated[
    datetime,
    BeforeValidator(_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=NAME_PATTERN)]
Text = Annotated[str, Field(max_length=TEXT_LENGTH, pattern=TEXT_PATTERN)]
DurationMs = Annotated[int, Field(ge=0, le=MAX_DURATION_MS, description="Milliseconds")]
ScaleBound = Annotated[int, Field(ge=-1000, le=1000)]
SurveyKind = Literal["csat", "nps", "ces", "review", "qa"]


class _Data(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        regex_engine="python-re",
        hide_input_in_errors=True,
    )


class NoData(_Data):
    """Nothing beyond the envelope."""


class Holder(_Data):
    """Who holds the ticket from now on; what is left out is unknown."""

    department: Name | None = Field(None, examples=["after-sales"])
    team: Name | None = Field(None, examples=["returns"])
    employee: Name | None = Field(None, examples=["li.na"])


class AssignedData(Holder):
    """The ticket goes to another holder, or to its first."""

    transfer: bool | None = Field(
        None,
        description="Whether the source counts this as a reassignment; when it does not say, a "
        "change from one known department, team or employee to another known one is",
    )


class OpenedData(Holder):
    """A ticket came into being."""

    channel: Name | None = Field(None, examples=["phone"])
    category: Name | None = Field(None, examples=["refund"])
    customer: Name | None = Field(None, description="Pseudonymous customer id")
    priority: Name | None = Field(None, examples=["high"])


class WaitingData(_Data):
    """The clock of the employee stops: somebody else has to act."""

    on: Literal["customer", "third_party"]


class EmployeeData(_Data):
    """Who did it, when it is somebody else than the ticket's holder."""

    employee: Name | None = None


class HandledData(_Data):
    """A segment of handling time that ends at the event's time."""

    duration_ms: DurationMs
    employee: Name | None = None
    cost_minor: Annotated[int, Field(ge=0, le=MAX_COST_MINOR)] | None = Field(
        None, description="Cost in the currency's minor unit"
    )
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN)] | None = Field(None, examples=["CNY"])


class CorrectedData(_Data):
    """Compensates an earlier event: it is never deleted, and the figures follow the correction."""

    action: Literal["exclude", "reattribute", "exempt"]
    reason: Name
    event_id: Name | None = None
    event_source: Name | None = None
    department: Name | None = None
    team: Name | None = None
    employee: Name | None = None
    start: Timestamp | None = None
    end: Timestamp | None = None

    @model_validator(mode="after")
    def _complete(self) -> CorrectedData:
        check_correction(self.action, self.event_id, self.start, self.end)
        return self


class ResponseSentData(_Data):
    """A public reply to the customer."""

    sender: Literal["employee", "bot"]
    employee: Name | None = None


class ResponseMeasuredData(_Data):
    """A duration that the source measured itself, where it does not know the instants."""

    metric: Literal["first_response_time", "next_response_time", "resolution_time", "handling_time"]
    duration_ms: DurationMs
    employee: Name | None = None


class Scale(_Data):
    """Both ends included: 1 to 5, 0 to 10."""

    min: ScaleBound
    max: ScaleBound

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        check_scale(self.min, self.max)
        return self


class SurveySentData(_Data):
    """A survey went out."""

    kind: SurveyKind
    wording: Name | None = Field(None, description="Id of the question's wording")
    employee: Name | None = None


class SurveyAnsweredData(_Data):
    """A survey came back."""

    kind: SurveyKind
    scale: Scale
    value: ScaleBound
    wording: Name | None = Field(None, description="Id of the question's wording")
    employee: Name | None = None
    rater_role: Literal["customer", "peer", "manager"] = "customer"
    rater: Name | None = None
    comment: Text | None = None

    @model_validator(mode="after")
    def _on_scale(self) -> SurveyAnsweredData:
        check_answer(self.value, self.scale.min, self.scale.max)
        return self


class Envelope(BaseModel):
    """The CloudEvents 1.0 context attributes; extension attributes are allowed."""

    model_config = ConfigDict(
        strict=True,
        extra="allow",
        frozen=True,
        regex_engine="python-re",
        hide_input_in_errors=True,
    )

    specversion: Literal["1.0"]
    id: Name = Field(description="Unique within the source", examples=["evt-000001"])
    source: Name = Field(description="The system that reports the fact", examples=["crm-a"])
    subject: Name = Field(
        description="Ticket id, unique over the organisation", examples=["T-1001"]
    )
    time: Timestamp = Field(description="When the fact happened", examples=["2026-01-02T03:04:05Z"])
    receivedtime: Timestamp | None = Field(
        None, description="When ingest received it; set by ingest"
    )
    datacontenttype: Annotated[str, Field(pattern=CONTENT_TYPE_PATTERN)] | None = None


class TicketOpened(Envelope):
    type: Literal["ticket.opened"]
    dataschema: Literal["urn:bellwether:event:ticket.opened:v1"] | None = None
    data: OpenedData


class TicketAssigned(Envelope):
    type: Literal["ticket.assigned"]
    dataschema: Literal["urn:bellwether:event:ticket.assigned:v1"] | None = None
    data: AssignedData


class TicketCustomerReplied(Envelope):
    type: Literal["ticket.customer_replied"]
    dataschema: Literal["urn:bellwether:event:ticket.customer_replied:v1"] | None = None
    data: NoData = NoData()


class TicketWaiting(Envelope):
    type: Literal["ticket.waiting"]
    dataschema: Literal["urn:bellwether:event:ticket.waiting:v1"] | None = None
    data: WaitingData


class TicketResumed(Envelope):
    type: Literal["ticket.resumed"]
    dataschema: Literal["urn:bellwether:event:ticket.resumed:v1"] | None = None
    data: NoData = NoData()


class TicketResolved(Envelope):
    type: Literal["ticket.resolved"]
    dataschema: Literal["urn:bellwether:event:ticket.resolved:v1"] | None = None
    data: EmployeeData = EmployeeData()


class TicketReopened(Envelope):
    type: Literal["ticket.reopened"]
    dataschema: Literal["urn:bellwether:event:ticket.reopened:v1"] | None = None
    data: NoData = NoData()


class TicketClosed(Envelope):
    type: Literal["ticket.closed"]
    dataschema: Literal["urn:bellwether:event:ticket.closed:v1"] | None = None
    data: NoData = NoData()


class TicketComplained(Envelope):
    type: Literal["ticket.complained"]
    dataschema: Literal["urn:bellwether:event:ticket.complained:v1"] | None = None
    data: EmployeeData = EmployeeData()


class TicketHandled(Envelope):
    type: Literal["ticket.handled"]
    dataschema: Literal["urn:bellwether:event:ticket.handled:v1"] | None = None
    data: HandledData


class TicketCorrected(Envelope):
    type: Literal["ticket.corrected"]
    dataschema: Literal["urn:bellwether:event:ticket.corrected:v1"] | None = None
    data: CorrectedData


class ResponseSent(Envelope):
    type: Literal["response.sent"]
    dataschema: Literal["urn:bellwether:event:response.sent:v1"] | None = None
    data: ResponseSentData


class ResponseMeasured(Envelope):
    type: Literal["response.measured"]
    dataschema: Literal["urn:bellwether:event:response.measured:v1"] | None = None
    data: ResponseMeasuredData


class SurveySent(Envelope):
    type: Literal["survey.sent"]
    dataschema: Literal["urn:bellwether:event:survey.sent:v1"] | None = None
    data: SurveySentData


class SurveyAnswered(Envelope):
    type: Literal["survey.answered"]
    dataschema: Literal["urn:bellwether:event:survey.answered:v1"] | None = None
    data: SurveyAnsweredData


TicketEvent = (
    TicketOpened
    | TicketAssigned
    | TicketCustomerReplied
    | TicketWaiting
    | TicketResumed
    | TicketResolved
    | TicketReopened
    | TicketClosed
    | TicketComplained
    | TicketHandled
    | TicketCorrected
)
ResponseEvent = ResponseSent | ResponseMeasured
SurveyEvent = SurveySent | SurveyAnswered
Event = Annotated[TicketEvent | ResponseEvent | SurveyEvent, Field(discriminator="type")]

EVENT_ADAPTER: Final[TypeAdapter[Any]] = TypeAdapter(Event)
"""The models of one event: ``validate_json`` raises ``pydantic.ValidationError`` whose error places
turn into JSON pointers. For bytes of unknown origin use `validate_event`."""


def validate_event(value: bytes) -> Envelope:
    """One structured CloudEvent in JSON to its model: accepts exactly what `decode_event` accepts.

    Raises ``pydantic.ValidationError`` with the place of every mistake, `JsonTextError` for a text
    that is no event's whatever it says, or `DecodeError` for a member that is given twice and is
    wrong the first time, which the models do not see.
    """
    check_text(value)
    if not _is_interoperable(value):
        decode_event(value)
    event: Envelope = EVENT_ADAPTER.validate_json(value)
    return event


class _NotInteroperable(Exception):
    pass


def _is_interoperable(value: bytes) -> bool:
    """False for a name given twice in an object, and for NaN and Infinity: parsers differ there.
    Text that is no JSON at all is left to the models."""
    try:
        json.loads(value.decode(), object_pairs_hook=_without_repetition, parse_constant=_no_number)
    except _NotInteroperable:
        return False
    except ValueError:
        return True
    return True


def _without_repetition(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        raise _NotInteroperable


def _no_number(_constant: str) -> None:
    raise _NotInteroperable


def event_models() -> dict[str, type[Envelope]]:
    """Every event type of contract v1 and its model, in the order of the contract."""
    models: tuple[type[Envelope], ...] = (
        TicketOpened,
        TicketAssigned,
        TicketCustomerReplied,
        TicketWaiting,
        TicketResumed,
        TicketResolved,
        TicketReopened,
        TicketClosed,
        TicketComplained,
        TicketHandled,
        TicketCorrected,
        ResponseSent,
        ResponseMeasured,
        SurveySent,
        SurveyAnswered,
    )
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}
