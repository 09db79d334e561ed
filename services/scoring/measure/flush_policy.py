"""When a partition flushes: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlushPolicy:
    """A flush is due when ``max_events`` are pending, or when something is pending and the last
    flush began at least ``interval`` seconds ago: after a quiet spell the first event flushes at
    once, under load flushes are ``interval`` apart."""

    interval: float = 0.1
    max_events: int = 5000

    def is_full(self, pending: int) -> bool:
        """Whether so much is pending that reading on has to wait for the flush."""
        return pending >= self.max_events

    def due(self, now: float, last_flush: float, pending: int) -> bool:
        """Whether to flush at ``now`` (seconds of a monotonic clock)."""
        return pending > 0 and (self.is_full(pending) or now - last_flush >= self.interval)

    def wait(self, now: float, last_flush: float, pending: int, idle: float) -> float:
        """Seconds until a flush may be due, at most ``idle``."""
        if pending == 0:
            return idle
        return min(idle, max(0.0, last_flush + self.interval - now))
