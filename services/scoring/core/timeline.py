"""The interval ledger: whose time a ticket took, and for what, from its facts.

A query and no state: the facts are lived through as the measurements are, so both agree. The time
in which a ticket is unresolved falls into segments without a gap; while it is resolved or closed it
takes nobody's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from services.scoring.core.derive import exemptions, lived_facts
from services.scoring.core.ledger import Fact
from services.scoring.core.lifecycle import Holder, Lifecycle, new_life
from services.scoring.core.promises import Span, united
from services.scoring.core.rules import RuleHistory

Cause = Literal["working", "off_hours", "waiting_customer", "waiting_third_party", "exempt"]
_WAITING: Final[tuple[Cause, Cause]] = ("waiting_customer", "waiting_third_party")


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


class _Stretch(NamedTuple):
    """Time between two facts. ``waits_for`` is the cause of a wait, None while there is none."""

    start_ms: int
    end_ms: int
    holder: Holder
    waits_for: Cause | None


def timeline(facts: Sequence[Fact], rules: RuleHistory, until_ms: int) -> list[Segment]:
    """The segments of a ticket from its opening to ``until_ms``, in order; none without an opening.
    Exempt time comes before waiting, and waiting before the hours of work."""
    exempt = exemptions(facts)
    stretches = _stretches(lived_facts(facts), rules, until_ms)
    return _joined(part for stretch in stretches for part in _cut(stretch, exempt, rules))


def _stretches(facts: list[Fact], rules: RuleHistory, until_ms: int) -> Iterator[_Stretch]:
    """What lies between the facts, as far as the ticket is unresolved."""
    lifecycle, life = Lifecycle(rules), new_life()
    waits_for: Cause | None = None
    ends = [*(fact.time_ms for fact in facts[1:]), until_ms]
    for fact, next_ms in zip(facts, ends, strict=False):
        waited = life.waiting_since_ms >= 0
        lifecycle.advance(life, [fact])
        if life.waiting_since_ms < 0:
            waits_for = None
        elif not waited:
            waits_for = _WAITING[fact.numbers[0]]
        start_ms, end_ms = max(fact.time_ms, life.opened_ms), min(next_ms, until_ms)
        if life.is_unresolved and end_ms > start_ms:
            yield _Stretch(start_ms, end_ms, life.holders[life.holder], waits_for)


def _cut(stretch: _Stretch, exempt: list[Span], rules: RuleHistory) -> Iterator[Segment]:
    """A stretch in pieces of one cause each."""
    start, end, holder, waits_for = stretch
    pauses = united(exempt, start, end)
    hours = rules.working_spans(start, end)
    edges = sorted({start, end, *(edge for span in (*pauses, *hours) for edge in span)})
    for low, high in pairwise(edges):
        in_hours = _covers(hours, low)
        cause: Cause = waits_for or ("working" if in_hours else "off_hours")
        if _covers(pauses, low):
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
