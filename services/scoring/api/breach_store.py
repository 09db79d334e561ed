"""Breaches in memory: those that go on, and the latest that ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

import msgspec

from shared.contracts.breaches import Breach, decode_breach

CLEARED_KEPT: Final = 5000
State = Literal["active", "cleared"]
_ENCODER: Final = msgspec.json.Encoder()


class BreachEntry(NamedTuple):
    """A breach as its latest transition tells it."""

    breach: Breach
    state: State

    def json(self) -> bytes:
        """Breach with ``state``."""
        fields = msgspec.to_builtins(self.breach)
        return _ENCODER.encode({**fields, "state": self.state})


class BreachStore:
    """Breaches by id; a repeated transition changes nothing."""

    def __init__(self, cleared_kept: int = CLEARED_KEPT) -> None:
        self._active: dict[str, BreachEntry] = {}
        self._cleared: dict[str, BreachEntry] = {}
        self._cleared_kept = cleared_kept
        self.revision = 0

    def apply(self, raw: bytes) -> Breach:
        """Take a record of ``breaches``; raises ``msgspec.MsgspecError``."""
        breach = decode_breach(raw)
        self.revision += 1
        if breach.transition == "breached":
            if breach.id not in self._cleared:
                self._active[breach.id] = BreachEntry(breach, "active")
        else:
            self._active.pop(breach.id, None)
            self._cleared[breach.id] = BreachEntry(breach, "cleared")
            self._forget()
        return breach

    def items(self, state: str, scope: str, target: str) -> list[BreachEntry]:
        """Latest transition first; "" asks for every scope or target, "all" for both states."""
        found = [
            entry
            for entry in self._of(state)
            if (not scope or entry.breach.scope == scope)
            and (not target or entry.breach.target == target)
        ]
        return sorted(found, key=lambda entry: (-entry.breach.at_ms, entry.breach.id))

    def _of(self, state: str) -> Iterable[BreachEntry]:
        if state == "active":
            return self._active.values()
        if state == "cleared":
            return self._cleared.values()
        return [*self._active.values(), *self._cleared.values()]

    def _forget(self) -> None:
        while len(self._cleared) > self._cleared_kept:
            del self._cleared[next(iter(self._cleared))]
