"""When the next event may go: at once, or at a multiple of the speed it happened at. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """``speed`` is event time over wall time; None is as fast as ingest takes it."""

    speed: float | None

    def wait_s(self, event_ms: int, first_ms: int, elapsed_s: float) -> float:
        """Seconds until the event at ``event_ms`` is due, ``elapsed_s`` after the first one."""
        if self.speed is None:
            return 0.0
        return max(0.0, (event_ms - first_ms) / 1000 / self.speed - elapsed_s)


def parse_speed(text: str) -> Pace:
    """``max`` or a positive number, with or without an x; raises ``ValueError``."""
    if text == "max":
        return Pace(None)
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ValueError(
            "must be max, or a number over 0: 1 is as fast as it happened, 60 an hour in a minute"
        )
    return Pace(speed)
