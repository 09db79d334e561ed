"""How many tickets come, so that the asked number of events per second comes of it. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_MS: Final = 60_000
GAIN: Final = 0.8
PRIOR_EVENTS: Final = 9.0
PRIOR_WEIGHT: Final = 200.0


class ArrivalRate:
    """Tickets per second for ``rate`` events per second.

    A ticket's events come over minutes, so the stream fills slowly: while fewer events come than
    asked, more tickets arrive, and the other way round, within bounds that keep it from swinging.
    """

    def __init__(self) -> None:
        self._finished = PRIOR_WEIGHT
        self._events = PRIOR_WEIGHT * PRIOR_EVENTS
        self._recent: deque[tuple[int, int]] = deque()
        self._in_window = 0

    def emitted(self, at_ms: int, count: int) -> None:
        """Events were emitted at this time; times come in order."""
        self._recent.append((at_ms, count))
        self._in_window += count
        while self._recent and self._recent[0][0] <= at_ms - WINDOW_MS:
            self._in_window -= self._recent.popleft()[1]

    def finished(self, events: int) -> None:
        """A ticket ended after so many events."""
        self._finished += 1
        self._events += events

    def tickets_per_s(self, rate: float) -> float:
        """The arrival rate at which ``rate`` events per second are approached."""
        measured = self._in_window / (WINDOW_MS / 1000)
        correction = 1 + GAIN * (rate - measured) / rate
        return rate * self._finished / self._events * min(1.5, max(0.2, correction))
