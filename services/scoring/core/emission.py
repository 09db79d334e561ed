"""When a score record is sent: a pure policy, and what waits for its turn."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.columns import Integers
from shared.contracts.figures import WINDOWS
from shared.contracts.scopes import SCOPE_KINDS, ScopeKind

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


_WINDOWS: Final = range(len(WINDOWS))
_INTERVALS: Final = np.array(
    [[interval_ms(kind, window) for window in _WINDOWS] for kind in SCOPE_KINDS], np.int64
)
_NEVER: Final = -(1 << 62)


class Emission:
    """Windows that have news, and when each was last sent (wall clock, ms).

    Scopes are the numbers of `PaneWindows`, windows places in `WINDOWS`.
    """

    def __init__(self) -> None:
        self._waiting: NDArray[np.bool_] = np.zeros((0, len(WINDOWS)), np.bool_)
        self._sent_at: Integers = np.zeros((0, len(WINDOWS)), np.int64)
        self._sent_empty: set[tuple[int, int]] = set()

    def want(self, scopes: Integers | int, windows: Integers | int) -> None:
        """There is news of these windows (as bits, for each scope or for all)."""
        self._reach(int(np.max(scopes, initial=-1)) + 1)
        wanted = np.asarray(windows)[..., None] >> np.arange(len(WINDOWS)) & 1
        self._waiting[scopes] |= wanted.astype(np.bool_)

    @property
    def waiting(self) -> int:
        """How many scopes have news."""
        return int(self._waiting.any(axis=1).sum())

    def due(self, kinds: Integers, now_ms: int, limit: int) -> list[tuple[int, int]]:
        """Scopes and their windows whose turn it is, at most so many: those first that have waited
        for most of their intervals, so that all are late alike when there is too much. ``kinds``
        are the kinds of the scopes, as places in `SCOPE_KINDS`."""
        scopes, windows = np.nonzero(self._waiting)
        waited = (now_ms - self._sent_at[scopes, windows]) / _INTERVALS[kinds[scopes], windows]
        due = np.flatnonzero(waited >= 1)
        due = due[np.argsort(-waited[due], kind="stable")[:limit]]
        return list(zip(scopes[due].tolist(), windows[due].tolist(), strict=True))

    def sent(self, scope: int, window: int, now_ms: int, *, empty: bool) -> bool:
        """Note that a window's turn has come. Returns whether its record must be sent: an empty
        window is sent once."""
        self._waiting[scope, window] = False
        self._sent_at[scope, window] = now_ms
        if not empty:
            self._sent_empty.discard((scope, window))
            return True
        repeated = (scope, window) in self._sent_empty
        self._sent_empty.add((scope, window))
        return not repeated

    def _reach(self, scopes: int) -> None:
        known = len(self._waiting)
        if scopes > known:
            more = max(scopes - known, known)
            rows = ((0, more), (0, 0))
            self._waiting = np.pad(self._waiting, rows)
            self._sent_at = np.pad(self._sent_at, rows, constant_values=_NEVER)
