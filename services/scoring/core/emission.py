"""When a score record is sent: a pure policy, and what waits for its turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.contracts.figures import WINDOWS
from shared.contracts.scopes import ScopeKind

_LONG: Final = frozenset(WINDOWS.index(name) for name in ("24h", "7d", "30d"))
_INTERVALS_MS: Final[dict[ScopeKind, tuple[int, int]]] = {
    "organisation": (500, 2_000),
    "department": (500, 2_000),
    "team": (2_000, 5_000),
    "channel": (2_000, 5_000),
    "category": (2_000, 5_000),
    "employee": (3_000, 10_000),
}
"""Least time between two records of one scope and window: short windows, long windows. Breaches
do not wait for it."""


def interval_ms(kind: ScopeKind, window: int) -> int:
    """Least wall-clock time between two records."""
    short, long = _INTERVALS_MS[kind]
    return long if window in _LONG else short


class Emission:
    """Windows that have news, and when each was last sent (wall clock, ms)."""

    def __init__(self) -> None:
        self._waiting: dict[int, int] = {}
        self._sent_at: dict[tuple[int, int], int] = {}
        self._sent_empty: set[tuple[int, int]] = set()

    def want(self, scope_id: int, windows: int) -> None:
        """There is news of these windows (as bits)."""
        self._waiting[scope_id] = self._waiting.get(scope_id, 0) | windows

    @property
    def waiting(self) -> int:
        """How many scopes have news."""
        return len(self._waiting)

    def due(self, scope_id: int, kind: ScopeKind, now_ms: int) -> Iterator[int]:
        """The scope's windows whose turn it is."""
        bits = self._waiting.get(scope_id, 0)
        for window in range(len(WINDOWS)):
            if bits >> window & 1:
                last = self._sent_at.get((scope_id, window))
                if last is None or now_ms - last >= interval_ms(kind, window):
                    yield window

    def scopes(self) -> list[int]:
        """Scopes with news, the longest waiting first."""
        return list(self._waiting)

    def sent(self, scope_id: int, window: int, now_ms: int, *, empty: bool) -> bool:
        """Note that a window's turn has come. Returns whether its record must be sent: an empty
        window is sent once."""
        self._waiting[scope_id] &= ~(1 << window)
        if not self._waiting[scope_id]:
            del self._waiting[scope_id]
        self._sent_at[scope_id, window] = now_ms
        if not empty:
            self._sent_empty.discard((scope_id, window))
            return True
        repeated = (scope_id, window) in self._sent_empty
        self._sent_empty.add((scope_id, window))
        return not repeated
