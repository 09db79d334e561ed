"""Notices a stream that stands still while its log grows.

A client can stay stuck after a broker's restart while its connection looks well (aiokafka#1154).
The whole process then ends and is started anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.runtime.kafka import Stuck

PATIENCE_SECONDS: Final = 60.0


@dataclass(slots=True)
class _Standing:
    position: int
    end: int
    grown_at: float | None = None


class LogWatch:
    """Compares positions with the ends of the log; time is passed in, in seconds."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._standing: dict[int, _Standing] = {}

    def look(self, now: float, positions: Mapping[int, int], ends: Mapping[int, int]) -> None:
        """Raises `Stuck` when a partition's log grew and its position did not move for too long."""
        for partition, position in positions.items():
            end = ends[partition]
            standing = self._standing.get(partition)
            if standing is None or standing.position != position:
                self._standing[partition] = _Standing(position, end)
            elif end > standing.end and standing.grown_at is None:
                standing.grown_at = now
            elif standing.grown_at is not None and now - standing.grown_at > self._patience:
                raise Stuck(f"partition {partition} stands at {position} while its log grows")
        for partition in self._standing.keys() - positions.keys():
            del self._standing[partition]
