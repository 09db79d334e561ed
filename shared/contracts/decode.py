"""The fast decoder of events v1: one C-speed pass from bytes to a typed struct.

`shared.contracts.events` holds the same contract as Pydantic models, which explain every mistake
with a JSON pointer. A test proves that both accept and refuse the same bytes. Extension attributes
are passed over. Where an object names a member twice, both must be valid and the last one counts.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from shared.contracts.fields import (
    CONTENT_TYPE_PATTERN,
    CURRENCY_PATTERN,
    CostMinor,
    DurationMs,
    Name,
    ScaleBound,
    Text,
    Timestamp,
)
from shared.contracts.json_text import JsonTextError, check_text

SurveyKind = Literal["csat", "nps", "ces", "review", "qa"]
RaterRole = Literal["customer", "peer", "manager"]
WaitingOn = Literal["customer", "third_party"]
Sender = Literal["employee", "bot"]
Metric = Literal["first_response_time", "next_response_time", "resolution_time", "handling_time"]
CorrectionAction = Literal["exclude", "reattribute", "exempt"]
SpecVersion = Literal["1.0"]
JsonContentType = Annotated[str, msgspec.Meta(pattern=CONTENT_TYPE_PATTERN)]


class DecodeError(ValueError):
    """The bytes are no event of contract v1; the message names the place."""


class _Data(msgspec.Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    pass


class NoData(_Data):
    pass


class Holder(_Data):
    """Who holds a ticket: each part may be unknown."""

    department: Name | None = None
    team: Name | None = None
    employee: Name | None = None


class AssignedData(Holder):
    """``transfer`` where the source itself says whether the ticket changed hands."""

    transfer: bool | None = None


class OpenedData(Holder):
    channel: Name | None = None
    category: Name | None = None
    customer: Name | None = None
    priority: Name | None = None


class WaitingData(_Data):
    on: WaitingOn


class EmployeeData(_Data):
    """``employee`` only when it is somebody else than the ticket's holder."""

    employee: Name | None = None


class HandledData(_Data):
    duration_ms: DurationMs
    employee: Name | None = None
    cost_minor: CostMinor | None = None
    currency: Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN)] | None = None


class CorrectedData(_Data):
    action: CorrectionAction
    reason: Name
    event_id: Name | None = None
    event_source: Name | None = None
    department: Name | None = None
    team: Name | None = None
    employee: Name | None = None
    start: Timestamp | None = None
    end: Timestamp | None = None

    def __post_init__(self) -> None:
        check_correction(self.action, self.event_id, self.start, self.end)


class ResponseSentData(_Data):
    sender: Sender
    employee: Name | None = None


class ResponseMeasuredData(_Data):
    metric: Metric
    duration_ms: DurationMs
    employee: Name | None = None


class Scale(_Data):
    """Both ends included: 1 to 5, 0 to 10."""

    min: ScaleBound
    max: ScaleBound

    def __post_init__(self) -> None:
        check_scale(self.min, self.max)


class SurveySentData(_Data):
    kind: SurveyKind
    wording: Name | None = None
    employee: Name | None = None


class SurveyAnsweredData(_Data):
    kind: SurveyKind
    scale: Scale
    value: ScaleBound
    wording: Name | None = None
    employee: Name | None = None
    rater_role: RaterRole = "customer"
    rater: Name | None = None
    comment: Text | None = None

    def __post_init__(self) -> None:
        check_answer(self.value, self.scale.min, self.scale.max)


def check_scale(low: int, high: int) -> None:
    """Raise ``ValueError`` unless ``low`` is under ``high``."""
    if low >= high:
        raise ValueError("scale.min must be less than scale.max")


def check_answer(value: int, low: int, high: int) -> None:
    """Raise ``ValueError`` unless ``value`` lies on the scale."""
    if not low <= value <= high:
        raise ValueError("value must lie between scale.min and scale.max")


def check_correction(action: str, event_id: str | None, start: object, end: object) -> None:
    """Raise ``ValueError`` when a correction lacks what its action needs."""
    if action == "exclude" and event_id is None:
        raise ValueError("a correction with action exclude needs event_id")
    if action == "exempt" and (start is None or end is None):
        raise ValueError("a correction with action exempt needs start and end")


class _Envelope(msgspec.Struct, gc=False, tag_field="type", kw_only=True):
    specversion: SpecVersion
    id: Name
    source: Name
    subject: Name
    time: Timestamp
    receivedtime: Timestamp | None = None
    datacontenttype: JsonContentType | None = None


class TicketOpened(_Envelope, tag="ticket.opened"):
    data: OpenedData
    dataschema: Literal["urn:bellwether:event:ticket.opened:v1"] | None = None


class TicketAssigned(_Envelope, tag="ticket.assigned"):
    data: AssignedData
    dataschema: Literal["urn:bellwether:event:ticket.assigned:v1"] | None = None


class TicketCustomerReplied(_Envelope, tag="ticket.customer_replied"):
    data: NoData = msgspec.field(default_factory=NoData)
    dataschema: Literal["urn:bellwether:event:ticket.customer_replied:v1"] | None = None


class TicketWaiting(_Envelope, tag="ticket.waiting"):
    data: WaitingData
    dataschema: Literal["urn:bellwether:event:ticket.waiting:v1"] | None = None


class TicketResumed(_Envelope, tag="ticket.resumed"):
    data: NoData = msgspec.field(default_factory=NoData)
    dataschema: Literal["urn:bellwether:event:ticket.resumed:v1"] | None = None


class TicketResolved(_Envelope, tag="ticket.resolved"):
    data: EmployeeData = msgspec.field(default_factory=EmployeeData)
    dataschema: Literal["urn:bellwether:event:ticket.resolved:v1"] | None = None


class TicketReopened(_Envelope, tag="ticket.reopened"):
    data: NoData = msgspec.field(default_factory=NoData)
    dataschema: Literal["urn:bellwether:event:ticket.reopened:v1"] | None = None


class TicketClosed(_Envelope, tag="ticket.closed"):
    data: NoData = msgspec.field(default_factory=NoData)
    dataschema: Literal["urn:bellwether:event:ticket.closed:v1"] | None = None


class TicketComplained(_Envelope, tag="ticket.complained"):
    data: EmployeeData = msgspec.field(default_factory=EmployeeData)
    dataschema: Literal["urn:bellwether:event:ticket.complained:v1"] | None = None


class TicketHandled(_Envelope, tag="ticket.handled"):
    data: HandledData
    dataschema: Literal["urn:bellwether:event:ticket.handled:v1"] | None = None


class TicketCorrected(_Envelope, tag="ticket.corrected"):
    data: CorrectedData
    dataschema: Literal["urn:bellwether:event:ticket.corrected:v1"] | None = None


class ResponseSent(_Envelope, tag="response.sent"):
    data: ResponseSentData
    dataschema: Literal["urn:bellwether:event:response.sent:v1"] | None = None


class ResponseMeasured(_Envelope, tag="response.measured"):
    data: ResponseMeasuredData
    dataschema: Literal["urn:bellwether:event:response.measured:v1"] | None = None


class SurveySent(_Envelope, tag="survey.sent"):
    data: SurveySentData
    dataschema: Literal["urn:bellwether:event:survey.sent:v1"] | None = None


class SurveyAnswered(_Envelope, tag="survey.answered"):
    data: SurveyAnsweredData
    dataschema: Literal["urn:bellwether:event:survey.answered:v1"] | None = None


Event = (
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
    | ResponseSent
    | ResponseMeasured
    | SurveySent
    | SurveyAnswered
)

_DECODER: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


def decode_event(value: bytes) -> Event:
    """One structured CloudEvent in JSON to its struct; raises `DecodeError`."""
    try:
        check_text(value)
        return _DECODER.decode(value)
    except (msgspec.MsgspecError, JsonTextError, UnicodeDecodeError) as error:
        raise DecodeError(str(error)) from error
