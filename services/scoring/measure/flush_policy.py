"""When a partition flushes: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """A flush is due when ``max_events`` are pending, or when something is pending and the last
    flush began at least ``interval`` seconds ago: after a quiet spell the first event flushes at
    once, under load flushes are ``interval`` apart."""

    interval: float
    max_events: int

    def is_full(self, pending: int) -> bool:
        """Whether so much is pending that reading on has to wait for the flush."""
        return pending >= self.max_events

    def due(self, now: float, last_flush: float, pending: int, share: float = 1.0) -> bool:
        """Whether to flush at ``now`` (seconds of a monotonic clock), if so much of the interval
        is enough."""
        waited = now - last_flush
        return pending > 0 and (self.is_full(pending) or waited >= share * self.interval)

    def wait(self, now: float, last_flush: float, pending: int, idle: float) -> float:
        """Seconds until a flush may be due, at most ``idle``."""
        if pending == 0:
            return idle
        return min(idle, max(0.0, last_flush + self.interval - now))


CALM: Final = Pace(interval=0.1, max_events=5_000)
BEHIND: Final = Pace(interval=0.5, max_events=20_000)


STORED_OF_TIME: Final = 0.5
"""A partition is storing for no larger share of its time, unless flushes would have to be further
apart than those of who is behind."""
MOST_STORING: Final = 2 * BEHIND.max_events


@dataclass(frozen=True, slots=True)
class FlushPolicy:
    """Who is behind does not flush often: a large flush states a cell once where small ones state
    it many times, so an event costs half as much. Neither does who waits long for a transaction:
    where the machine or the broker is busy, fewer leave it more time.

    While flushes of ``most_storing`` events are being stored, over all partitions of a process, no
    other begins: in a catch-up they would only share the processor, and all lie in memory until the
    last is stored. Flushes of who is not behind are too small for that."""

    calm: Pace = CALM
    behind: Pace = BEHIND
    most_storing: int = MOST_STORING

    def pace(self, waiting: int, storing: float = 0.0) -> Pace:
        """The pace while so many records wait at the broker, and a flush takes so many seconds to
        store: that of who is behind, if they are more than a usual flush holds, and else the usual
        one, or one between them."""
        if waiting > self.calm.max_events:
            return self.behind
        interval = min(storing / STORED_OF_TIME, self.behind.interval)
        return (
            self.calm if interval <= self.calm.interval else replace(self.calm, interval=interval)
        )
