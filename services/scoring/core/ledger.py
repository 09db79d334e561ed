"""What the ledger keeps of each event: a fact. A ticket's figures are a function of its facts,
whatever order they came in.

The compiled parser gives the same of plain events; a test holds it to this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import xxhash

from shared.contracts import decode
from shared.contracts.fields import epoch_ms

OPENED: Final = 0
ASSIGNED: Final = 1
CUSTOMER_REPLIED: Final = 2
RESPONSE: Final = 3
RESPONSE_MEASURED: Final = 4
HANDLED: Final = 5
WAITING: Final = 6
RESUMED: Final = 7
RESOLVED: Final = 8
SURVEY_SENT: Final = 9
SURVEY_ANSWERED: Final = 10
COMPLAINED: Final = 11
REOPENED: Final = 12
CLOSED: Final = 13
CORRECTED: Final = 14

SURVEY_KINDS: Final = ("csat", "nps", "ces", "review", "qa")
RATER_ROLES: Final = ("customer", "peer", "manager")
METRICS: Final = ("first_response_time", "next_response_time", "resolution_time", "handling_time")
ACTIONS: Final = ("exclude", "reattribute", "exempt")


class Fact(msgspec.Struct, array_like=True, frozen=True, gc=False, order=True):
    """One event of a ticket. Facts are ordered by instant, then by kind (the order above), then by
    event hash, so that any order of arrival gives the same list. ``names`` and ``numbers`` hold
    what the kind needs, in the order that `fact_of` writes them; an unknown name is ""."""

    time_ms: int
    kind: int
    event: int
    names: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()


def event_hash(source: str, event_id: str) -> int:
    """The 64-bit identity of an event; the same in every process and release."""
    return xxhash.xxh3_64_intdigest(f"{source}\0{event_id}".encode())


def fact_of(event: decode.Event) -> Fact:
    """What the ledger keeps of an event."""
    kind, names, numbers = _CONTENT[type(event)](event)
    return Fact(
        epoch_ms(event.time),
        kind,
        event_hash(event.source, event.id),
        tuple(name or "" for name in names),
        numbers,
    )


_Content = tuple[int, tuple[str | None, ...], tuple[int, ...]]


def _opened(event: decode.TicketOpened) -> _Content:
    data = event.data
    names = (data.department, data.team, data.employee, data.channel, data.category)
    return OPENED, names, ()


def _assigned(event: decode.TicketAssigned) -> _Content:
    data = event.data
    stated = () if data.transfer is None else (int(data.transfer),)
    return ASSIGNED, (data.department, data.team, data.employee), stated


def _waiting(event: decode.TicketWaiting) -> _Content:
    return WAITING, (), (int(event.data.on == "third_party"),)


def _resolved(event: decode.TicketResolved) -> _Content:
    return RESOLVED, (event.data.employee,), ()


def _complained(event: decode.TicketComplained) -> _Content:
    return COMPLAINED, (event.data.employee,), ()


def _handled(event: decode.TicketHandled) -> _Content:
    data = event.data
    return HANDLED, (data.employee, data.currency), (data.duration_ms, data.cost_minor or 0)


def _response(event: decode.ResponseSent) -> _Content:
    return RESPONSE, (event.data.employee,), (int(event.data.sender == "bot"),)


def _response_measured(event: decode.ResponseMeasured) -> _Content:
    data = event.data
    return RESPONSE_MEASURED, (data.employee,), (METRICS.index(data.metric), data.duration_ms)


def _survey_sent(event: decode.SurveySent) -> _Content:
    data = event.data
    return SURVEY_SENT, (data.employee, data.wording), (SURVEY_KINDS.index(data.kind),)


def _survey_answered(event: decode.SurveyAnswered) -> _Content:
    data = event.data
    numbers = (
        SURVEY_KINDS.index(data.kind),
        RATER_ROLES.index(data.rater_role),
        data.scale.min,
        data.scale.max,
        data.value,
    )
    return SURVEY_ANSWERED, (data.employee, data.wording), numbers


def _corrected(event: decode.TicketCorrected) -> _Content:
    data = event.data
    target = event_hash(data.event_source or event.source, data.event_id) if data.event_id else 0
    start = epoch_ms(data.start) if data.start else 0
    end = epoch_ms(data.end) if data.end else 0
    names = (data.department, data.team, data.employee)
    return CORRECTED, names, (ACTIONS.index(data.action), target, start, end)


_CONTENT: Final[dict[type, Callable[[Any], _Content]]] = {
    decode.TicketOpened: _opened,
    decode.TicketAssigned: _assigned,
    decode.TicketCustomerReplied: lambda _: (CUSTOMER_REPLIED, (), ()),
    decode.TicketWaiting: _waiting,
    decode.TicketResumed: lambda _: (RESUMED, (), ()),
    decode.TicketResolved: _resolved,
    decode.TicketReopened: lambda _: (REOPENED, (), ()),
    decode.TicketClosed: lambda _: (CLOSED, (), ()),
    decode.TicketComplained: _complained,
    decode.TicketHandled: _handled,
    decode.TicketCorrected: _corrected,
    decode.ResponseSent: _response,
    decode.ResponseMeasured: _response_measured,
    decode.SurveySent: _survey_sent,
    decode.SurveyAnswered: _survey_answered,
}
