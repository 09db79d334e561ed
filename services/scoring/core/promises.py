"""Promises: by when a ticket has to be answered, and by when it has to be resolved.

A ``share_within`` target of `first_response_time` or `resolution_time`, or of their twins in
working time, promises its limit to every ticket. The rule version in force at the opening decides,
whatever comes later. Where limits in both clocks apply, both must be kept, so the earlier instant
counts.

The deadline is the last instant at which no more than the limit has passed: an answer exactly then
keeps the promise, and a promise is kept exactly when the duration that is measured is within the
limit. A limit that runs out just as the day's work ends therefore holds until work begins again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from services.scoring.core.calendars import CalendarError
from services.scoring.core.rules import RuleHistory, RuleSet

NEVER: Final = 1 << 62
"""After all instants."""

FIRST_RESPONSE: Final = 0
RESOLUTION: Final = 1
PROMISES: Final = (FIRST_RESPONSE, RESOLUTION)
"""A promise's number is the ``sequence`` of its measurement of `sla_attainment`."""

_INDICATORS: Final = (
    ("first_response_time", "first_response_time_business"),
    ("resolution_time", "resolution_time_business"),
)
_NO_ONE: Final = -1

Span = tuple[int, int]
"""``[start, end)`` in ms."""


class Promise(msgspec.Struct, array_like=True, gc=False):
    """A promise that is not settled yet. ``limited_by`` is the place of the holder whose limits
    apply, ``at_risk`` that of the holder with whom it counts as being at risk, -1 while it does
    not. ``due_ms`` and ``risk_ms`` are what is still to come, NEVER while the clock stands
    still."""

    kind: int
    limited_by: int
    at_risk: int = _NO_ONE
    due_ms: int = NEVER
    risk_ms: int = NEVER

    @property
    def is_at_risk(self) -> bool:
        """Whether it counts in `sla_at_risk`."""
        return self.at_risk != _NO_ONE

    @property
    def next_ms(self) -> int:
        """When something becomes of it if nothing happens."""
        return min(self.due_ms, self.risk_ms)

    def calm(self) -> None:
        """It is at risk no more."""
        self.at_risk = _NO_ONE


class Limits(NamedTuple):
    """Allowed time in ms, around the clock and in working time; None where nothing is promised."""

    elapsed: int | None
    worked: int | None

    @property
    def is_promise(self) -> bool:
        """Whether there is any."""
        return self.elapsed is not None or self.worked is not None

    def share(self, part: float) -> Limits:
        """A part of the allowed time, in whole ms."""
        return Limits(*(None if limit is None else round(limit * part) for limit in self))


class Allowed(NamedTuple):
    """The whole of the time, and the share of it after which a promise is at risk."""

    limits: Limits
    warned: Limits


class PromiseRules:
    """Limits, and when they run out, under one history of rules. The arithmetic is that of the
    durations: time passes outside the pauses, in working time by the calendar in force then."""

    def __init__(self, rules: RuleHistory) -> None:
        self._rules = rules
        self._allowed: dict[tuple[str, int, tuple[str, str, str]], Allowed] = {}

    def kinds(self, opened_ms: int) -> Iterable[int]:
        """The promises that the rules in force at an opening make to anybody."""
        promised = self._rules.at(opened_ms).promised
        return (kind for kind in PROMISES if not promised.isdisjoint(_INDICATORS[kind]))

    def excludes_waiting(self, opened_ms: int) -> bool:
        """Whether the clock of a resolution stands still while the ticket waits for others."""
        return self._rules.at(opened_ms).exclude_waiting

    def allowed(self, kind: int, opened_ms: int, holder: tuple[str, str, str]) -> Allowed:
        """What is promised while this holder has the ticket."""
        rules = self._rules.at(opened_ms)
        key = (rules.version, kind, holder)
        found = self._allowed.get(key)
        if found is None:
            if len(self._allowed) > 100_000:
                self._allowed.clear()
            found = self._allowed[key] = _find(rules, kind, holder)
        return found

    def runs_out(self, limits: Limits, opened_ms: int, pauses: list[Span]) -> int:
        """The last instant at which none of the limits is exceeded; NEVER when that never comes to
        pass, as when the last pause has no end. Pauses may overlap and need no order."""
        if not pauses:
            return self._without_pauses(limits, opened_ms)
        spans = united(pauses, opened_ms, NEVER)
        elapsed, worked = limits
        return min(
            NEVER if elapsed is None else _passed(spans, opened_ms, elapsed + 1),
            NEVER if worked is None else self._worked(spans, opened_ms, worked + 1),
        )

    def _without_pauses(self, limits: Limits, opened_ms: int) -> int:
        elapsed, worked = limits
        around_the_clock = NEVER if elapsed is None else opened_ms + elapsed
        if worked is None:
            return around_the_clock
        return min(around_the_clock, self._deadline(opened_ms, worked + 1))

    def _worked(self, spans: list[Span], start: int, duration: int) -> int:
        """The last instant before ``duration`` of working time outside the spans has passed."""
        for low, high in spans:
            passed = self._rules.worked_ms(start, low)
            if passed >= duration:
                break
            start, duration = high, duration - passed
        return NEVER if start == NEVER else self._deadline(start, duration)

    def _deadline(self, start_ms: int, duration_ms: int) -> int:
        try:
            return self._rules.deadline(start_ms, duration_ms) - 1
        except CalendarError:  # decades ahead: no timer waits for it
            return NEVER


def _find(rules: RuleSet, kind: int, holder: tuple[str, str, str]) -> Allowed:
    elapsed, worked = (rules.limit_ms(name, *holder) for name in _INDICATORS[kind])
    limits = Limits(elapsed, None if rules.calendar is None else worked)
    return Allowed(limits, limits.share(rules.at_risk_share))


def _passed(spans: list[Span], start: int, duration: int) -> int:
    """The last instant before ``duration`` outside the spans has passed."""
    for low, high in spans:
        passed = low - start
        if passed >= duration:
            break
        start, duration = high, duration - passed
    return NEVER if start == NEVER else start + duration - 1


def united(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    """The union of the spans within [start, end), as spans that do not overlap."""
    found: list[Span] = []
    reached = start
    for span_start, span_end in sorted(spans):
        low, high = max(span_start, reached), min(span_end, end)
        if high > low:
            found.append((low, high))
            reached = high
    return found
