"""When each batch is due, and how many events it has. Pure.

Open loop: the schedule is fixed before the first batch, and a batch that could not be sent in time
keeps its due time. So a system that stalls is charged for everything that waited meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """``rate`` events a second over ``lanes`` senders, a batch every ``interval_s`` over all."""

    rate: float
    lanes: int
    interval_s: float

    def due_s(self, lane: int, number: int) -> float:
        """Seconds from the start to the lane's batch; lanes take turns."""
        return (number * self.lanes + lane + 1) * self.interval_s

    def size(self, lane: int, number: int) -> int:
        """Events of a batch: over all batches the rate is kept to the event."""
        place = number * self.lanes + lane
        per_batch = self.rate * self.interval_s
        return int((place + 1) * per_batch) - int(place * per_batch)
