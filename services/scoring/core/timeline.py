"""The interval ledger: whose time a ticket took, and for what.

A query and no state (`Engine.timeline`): the ticket's facts are lived through as the measurements
are, so both agree. The time in which a ticket is unresolved falls into segments without a gap;
while it is resolved or closed it takes nobody's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from services.scoring.core.rules import RuleHistory

Cause = Literal["working", "off_hours", "waiting_customer", "waiting_third_party", "exempt"]
WAITING: Final[tuple[Cause, Cause]] = ("waiting_customer", "waiting_third_party")

Span = tuple[int, int]
"""``[start, end)`` in ms."""


class Holder(NamedTuple):
    """Who holds a ticket; an unknown part is ""."""

    department: str = ""
    team: str = ""
    employee: str = ""


class Segment(NamedTuple):
    """``[start_ms, end_ms)`` of a ticket. ``in_hours`` tells working time by the calendar in force
    then, whatever the cause; without a calendar all time is."""

    start_ms: int
    end_ms: int
    cause: Cause
    holder: Holder
    in_hours: bool

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.start_ms


class Stretch(NamedTuple):
    """Time between two facts in which a ticket is unresolved. ``waits_for`` is the cause of a wait,
    None while there is none."""

    start_ms: int
    end_ms: int
    holder: Holder
    waits_for: Cause | None


def segments(stretches: Iterable[Stretch], exempt: list[Span], rules: RuleHistory) -> list[Segment]:
    """Stretches in pieces of one cause each, in order. Exempt time comes before waiting, and
    waiting before the hours of work."""
    return _joined(part for stretch in stretches for part in _cut(stretch, exempt, rules))


def _cut(stretch: Stretch, exempt: list[Span], rules: RuleHistory) -> Iterator[Segment]:
    start, end, holder, waits_for = stretch
    hours = rules.working_spans(start, end)
    inside = (edge for span in (*exempt, *hours) for edge in span if start < edge < end)
    for low, high in pairwise(sorted({start, end, *inside})):
        in_hours = _covers(hours, low)
        cause: Cause = waits_for or ("working" if in_hours else "off_hours")
        if _covers(exempt, low):
            cause = "exempt"
        yield Segment(low, high, cause, holder, in_hours)


def _covers(spans: list[Span], instant: int) -> bool:
    return any(start <= instant < end for start, end in spans)


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    """Neighbours that differ in nothing but time are one."""
    found: list[Segment] = []
    for segment in segments:
        last = found[-1] if found else None
        if last is not None and last[1:] == (segment.start_ms, *segment[2:]):
            found[-1] = last._replace(end_ms=segment.end_ms)
        else:
            found.append(segment)
    return found


def by_holder(segments: Iterable[Segment]) -> dict[Holder, dict[Cause, int]]:
    """Each holder's share of a ticket: ms by cause."""
    shares: dict[Holder, dict[Cause, int]] = {}
    for segment in segments:
        causes = shares.setdefault(segment.holder, {})
        causes[segment.cause] = causes.get(segment.cause, 0) + segment.length_ms
    return shares
