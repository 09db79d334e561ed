"""Verdicts against targets, and the pure state machine of a breach."""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

from services.scoring.core.figures import Measured
from services.scoring.core.rules import Target
from shared.contracts.breaches import Breach, Transition
from shared.contracts.figures import TargetVerdict, Verdict

Side = Literal["right", "wrong"]


def verdict_of(target: Target, measured: Measured) -> Verdict:
    """met, missed, or not enough data."""
    if measured.value is None or measured.n < target.minimum_sample:
        return "not_enough_data"
    return "met" if _meets(target, measured.value, target.limit) else "missed"


def is_breach(target: Target, measured: Measured) -> bool:
    """Whether the evidence that the target asks for lies on the wrong side of its limit."""
    if verdict_of(target, measured) != "missed":
        return False
    if target.evidence == "value" or target.measure == "value":
        return True
    edge = measured.high if target.comparison == "at_least" else measured.low
    return edge is not None and not _meets(target, edge, target.limit)


def is_clear(target: Target, measured: Measured) -> bool:
    """Whether a breach ends: the value is back at the clear threshold, or nothing is left that
    could be missed. Too small a sample neither begins nor ends a breach by itself."""
    return measured.value is None or _meets(target, measured.value, target.clear)


def _meets(target: Target, value: float, limit: float) -> bool:
    return value >= limit if target.comparison == "at_least" else value <= limit


class BreachState(NamedTuple):
    """``pending_since`` when the target began to be missed without being in breach yet;
    ``started_ms`` and ``id`` of a breach that goes on. All times are stream time."""

    pending_since: int | None = None
    started_ms: int | None = None
    id: str = ""

    @property
    def breached(self) -> bool:
        """Whether a breach goes on."""
        return self.started_ms is not None


FINE = BreachState()


def breach_id(key: str, started_ms: int) -> str:
    """The same for every delivery of one breach."""
    return hashlib.blake2b(f"{key}|{started_ms}".encode(), digest_size=12).hexdigest()


def step(
    state: BreachState, target: Target, measured: Measured, key: str, at_ms: int
) -> tuple[BreachState, Transition | None]:
    """The state after looking at a figure at stream time ``at_ms``, and what changed."""
    if state.breached:
        return (FINE, "cleared") if is_clear(target, measured) else (state, None)
    if not is_breach(target, measured):
        return FINE, None
    since = at_ms if state.pending_since is None else state.pending_since
    if at_ms - since < target.for_ms:
        return BreachState(pending_since=since), None
    return BreachState(None, since, breach_id(key, since)), "breached"


def judge(target: Target, measured: Measured, breached: bool) -> TargetVerdict:
    """What a figure's record says about one target."""
    return TargetVerdict(
        target=target.id,
        verdict=verdict_of(target, measured),
        limit=target.limit,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        breached=breached,
    )


def transition_record(
    transition: Transition,
    target: Target,
    measured: Measured,
    state: BreachState,
    *,
    scope: str,
    at_ms: int,
    received_ms: int,
    rule_version: str,
) -> Breach:
    """The record of a transition; ``state`` is the breach's (for a clearing: the one before)."""
    return Breach(
        id=state.id,
        transition=transition,
        target=target.id,
        indicator=target.indicator,
        measure=target.measure,
        comparison=target.comparison,
        limit=target.limit,
        within_ms=target.within_ms,
        scope=scope,
        window=target.window,
        severity=target.severity,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        n=measured.n,
        started_ms=state.started_ms or at_ms,
        at_ms=at_ms,
        received_ms=received_ms,
        rule_version=rule_version,
    )
