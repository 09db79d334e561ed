"""Promises, recomputed in plain Python: minute by minute, with no arithmetic of spans.

All times and limits of the histories are whole minutes. Written from the definitions of
`sla_attainment` and `sla_at_risk`; nothing of services.scoring is used but the limits in the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.scoring.core.rules import RuleHistory

MINUTE_MS = 60_000
CLOCKS = {
    "response": ("first_response_time", "first_response_time_business"),
    "resolution": ("resolution_time", "resolution_time_business"),
}

Holder = tuple[str, str, str]
Add = Callable[[Holder, str, int, int], None]
Limits = tuple[int | None, int | None]
"""In minutes: around the clock, in office hours."""


def in_office(at_ms: int) -> bool:
    """Monday to Friday from 9 to 18 o'clock in Shanghai."""
    local = datetime.fromtimestamp(at_ms / 1000, UTC) + timedelta(hours=8)
    return local.weekday() < 5 and 9 <= local.hour < 18


class PlainPromise:
    """One promise as it is lived through, a minute at a time."""

    def __init__(self, kind: str, opened_ms: int, rules: RuleHistory, add: Add) -> None:
        self.kind, self.opened_ms, self.add = kind, opened_ms, add
        self.rules = rules.at(opened_ms)
        self.used = (0, 0)
        self.limits: Limits = (None, None)
        self.holder: Holder = ("", "", "")
        self.pending, self.waiting, self.closed, self.at_risk = True, False, False, False

    def limits_of(self, holder: Holder) -> Limits:
        around, office = (self.rules.limit_ms(name, *holder) for name in CLOCKS[self.kind])
        if self.rules.calendar is None:
            office = None
        return _minutes(around), _minutes(office)

    def exceeded(self, limits: Limits, share: float = 1.0) -> bool:
        return any(
            limit is not None and passed > round(limit * share)
            for limit, passed in zip(limits, self.used, strict=True)
        )

    def held_by(self, holder: Holder) -> None:
        self.holder = holder
        if not self.exceeded(self.limits_of(holder)):
            self.limits = self.limits_of(holder)

    def hand_over(self, holder: Holder) -> None:
        if self.pending:
            was_at_risk, before = self.at_risk, self.holder
            self.at_risk = False
            self.held_by(holder)
            now_at_risk = self._is_near() and not self.closed
            if (was_at_risk, before) != (now_at_risk, holder):
                if was_at_risk:
                    self.add(before, "sla_at_risk", -1, 0)
                if now_at_risk:
                    self.add(holder, "sla_at_risk", 1, 0)
            self.at_risk = now_at_risk

    def close(self) -> None:
        self.closed = True
        self.calm()

    def reopen(self) -> None:
        self.closed = False
        if self.pending and self._is_near():
            self._warn()

    def settle(self, *, counts: bool) -> None:
        """It is kept; or, where that does not count, withdrawn."""
        if self.pending:
            self.pending = False
            self.calm()
            if counts and self.limits != (None, None):
                self.add(self.holder, "sla_attainment", 1, int(not self.exceeded(self.limits)))

    def calm(self) -> None:
        if self.at_risk:
            self.add(self.holder, "sla_at_risk", -1, 0)
        self.at_risk = False

    def pass_minute(self, at_ms: int) -> None:
        """What time alone does between this minute's beginning and the next one's."""
        stopped = self.waiting and self.kind == "resolution" and self.rules.exclude_waiting
        counts = (0 if stopped else 1, int(not stopped and in_office(at_ms)))
        self.used = (self.used[0] + counts[0], self.used[1] + counts[1])
        if self.pending and not self.closed:
            if not self.at_risk and self._is_near():
                self._warn()
            if self.exceeded(self.limits):
                self.pending = False
                self.calm()
                self.add(self.holder, "sla_attainment", 1, 0)

    def _is_near(self) -> bool:
        return self.exceeded(self.limits, self.rules.at_risk_share)

    def _warn(self) -> None:
        self.at_risk = True
        self.add(self.holder, "sla_at_risk", 1, 0)


def _minutes(limit_ms: int | None) -> int | None:
    return None if limit_ms is None else limit_ms // MINUTE_MS


def add_promises(
    add: Add,
    facts: Iterable[tuple[int, str, dict[str, Any], Holder]],
    rules: RuleHistory,
    until_ms: int,
) -> None:
    """Live through a ticket; ``facts`` are (ms, type, data, holder afterwards) in order, the first
    its opening."""
    ahead = list(facts)
    opened_ms, _, _, opener = ahead[0]
    promised = {target.indicator for target in rules.at(opened_ms).targets if target.within_ms}
    if not promised & {name for clock in CLOCKS.values() for name in clock}:
        return
    promises = {kind: PlainPromise(kind, opened_ms, rules, add) for kind in CLOCKS}
    for promise in promises.values():
        promise.held_by(opener)
    status = "open"
    last_ms = max(until_ms, ahead[-1][0])
    for at_ms in range(opened_ms, last_ms + 1, MINUTE_MS):
        while ahead and ahead[0][0] == at_ms:
            _, kind, data, holder = ahead.pop(0)
            status = _live(promises, status, kind, data, holder)
        if at_ms < last_ms:
            for promise in promises.values():
                promise.pass_minute(at_ms)


def _live(
    promises: dict[str, PlainPromise], status: str, kind: str, data: dict[str, Any], holder: Holder
) -> str:
    every = promises.values()
    if kind == "ticket.assigned":
        for promise in every:
            promise.hand_over(holder)
    elif kind == "response.sent" and data["sender"] == "employee":
        promises["response"].settle(counts=True)
    elif kind in ("ticket.waiting", "ticket.resumed"):
        for promise in every:
            promise.waiting = kind == "ticket.waiting"
    elif kind == "ticket.resolved" and status != "resolved":
        promises["resolution"].settle(counts=True)
        promises["response"].settle(counts=False)
        return "resolved"
    elif kind == "ticket.closed" and status == "open":
        for promise in every:
            promise.close()
        return "closed"
    elif kind == "ticket.reopened" and status != "open":
        for promise in every:
            promise.reopen()
        return "open"
    return status
