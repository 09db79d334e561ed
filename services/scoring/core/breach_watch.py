"""Which targets are in breach, and when to look again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from services.scoring.core.figures import NOTHING, Measured
from services.scoring.core.rules import Target
from services.scoring.core.verdicts import FINE, BreachState, step, transition_record
from shared.contracts.breaches import Breach


class Subject(NamedTuple):
    """A target of one scope."""

    target: Target
    scope_id: int
    scope_key: str

    @property
    def key(self) -> str:
        """The key of its records, as `Breach.key`."""
        return f"{self.target.id}|{self.scope_key}|{self.target.window}"


class _Waiting(NamedTuple):
    due_ms: int
    subject: Subject


class BreachWatch:
    """States of all breaches of some scopes; time is passed in.

    ``history`` is what the log says: for each key the last transition counts.
    """

    def __init__(self, history: Iterable[Breach] = ()) -> None:
        last = {record.key: record for record in history}
        self._active = {k: r for k, r in last.items() if r.transition == "breached"}
        self._waiting: dict[str, _Waiting] = {}
        self._states: dict[str, BreachState] = {
            key: BreachState(started_ms=record.started_ms, id=record.id)
            for key, record in self._active.items()
        }

    @property
    def active(self) -> list[Breach]:
        """The breaches that go on, as their records of beginning."""
        return list(self._active.values())

    def is_breached(self, key: str) -> bool:
        """Whether a breach goes on under this key."""
        return key in self._active

    def due(self, at_ms: int) -> list[Subject]:
        """Subjects whose ``for`` has elapsed: they must be looked at again."""
        return [waiting.subject for waiting in self._waiting.values() if waiting.due_ms <= at_ms]

    def next_due(self) -> int | None:
        """When the first ``for`` elapses."""
        return min((waiting.due_ms for waiting in self._waiting.values()), default=None)

    def look(
        self, subject: Subject, measured: Measured, *, at_ms: int, received_ms: int, rules: str
    ) -> Breach | None:
        """Take note of a figure at stream time ``at_ms``; the transition that it causes."""
        key, target = subject.key, subject.target
        before = self._states.get(key, FINE)
        after, transition = step(before, target, measured, key, at_ms)
        self._keep(key, subject, after)
        if transition is None:
            return None
        record = transition_record(
            transition,
            target,
            measured,
            before if transition == "cleared" else after,
            scope=subject.scope_key,
            at_ms=at_ms,
            received_ms=received_ms,
            rule_version=rules,
        )
        self._note(record)
        return record

    def end(self, breach: Breach, *, at_ms: int, rules: str) -> Breach:
        """Clear a breach whose target judges its scope no more."""
        self._states.pop(breach.key, None)
        record = msgspec.structs.replace(
            breach,
            transition="cleared",
            value=NOTHING.value,
            low=None,
            high=None,
            n=NOTHING.n,
            at_ms=at_ms,
            received_ms=0,
            rule_version=rules,
        )
        self._note(record)
        return record

    def forget_waiting(self) -> None:
        """Begin every ``for`` anew: the rules have changed."""
        for key in self._waiting:
            self._states.pop(key, None)
        self._waiting.clear()

    def _keep(self, key: str, subject: Subject, state: BreachState) -> None:
        if state == FINE:
            self._states.pop(key, None)
        else:
            self._states[key] = state
        if state.pending_since is None:
            self._waiting.pop(key, None)
        else:
            self._waiting[key] = _Waiting(state.pending_since + subject.target.for_ms, subject)

    def _note(self, record: Breach) -> None:
        if record.transition == "breached":
            self._active[record.key] = record
        else:
            self._active.pop(record.key, None)
