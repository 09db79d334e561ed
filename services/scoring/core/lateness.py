"""Which events come too late, and which tickets can be forgotten for it.

Lateness is judged within a topic and in the order of its records, never by what other topics or
the rest of a batch have brought: after an outage one topic may be read months ahead of another.
A ticket is forgotten only when every event that it knows would come too late by now, so a repeated
event is either recognised or refused, and never counts twice.
"""

from __future__ import annotations

from typing import Final

from services.scoring.core.panes import DAY_MS

HORIZON_MS: Final = 35 * DAY_MS
"""How late an event may be."""
SETTLING_RECORDS: Final = 10_000
"""A topic that says nothing while a partition reads so many records, and to its end, is silent.
One request to ingest holds fewer: its events may reach their topics one after the other."""


class Lateness:
    """``marks`` has one event time for each input topic, which only grows."""

    def __init__(self, topics: int) -> None:
        self.marks = [0] * topics
        self._records = 0
        self._settling_from = 0
        self._settling_ms = 0

    def read(self, topic: int, time_ms: int) -> bool:
        """Take the next event of a topic; whether it comes too late."""
        self._records += 1
        is_late = time_ms < self.marks[topic] - HORIZON_MS
        self.marks[topic] = max(self.marks[topic], time_ms)
        return is_late

    def caught_up(self, watermark_ms: int) -> None:
        """Nothing waits in any topic: whoever was silent for long enough is not held back for."""
        if self._records - self._settling_from < SETTLING_RECORDS:
            return
        self.marks = [max(mark, self._settling_ms) for mark in self.marks]
        self._settling_from = self._records
        self._settling_ms = watermark_ms

    @property
    def forgettable_ms(self) -> int:
        """A ticket whose last event lies before this knows only events that are too late by now."""
        return min(self.marks) - HORIZON_MS
