"""Quarter-hours and days that a source has not sealed: they follow from its cells a level below.

What a record states of a pane that it does not seal is passed over. What follows from a cell looks
at the latest seal that was read instead: of the cells of several records only the last ones are
looked at, and what the seal states, in these records or the next, holds all that came before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.cell_batch import MAX_SOURCES, CellBatch, Part
from services.scoring.core.columns import Integers
from shared.contracts.midnights import first_open_day, midnight_of
from shared.contracts.panes import DAY, MINUTE, QUARTER, QUARTER_MS

Pane = tuple[int, int]
"""Level and start."""

_ALWAYS: Final = np.iinfo(np.int64).max


class OpenPanes:
    """How far each source has sealed its panes."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._day_of = lru_cache(maxsize=4096)(lambda time_ms: midnight_of(time_ms, zone))
        self._first_open_day = lru_cache(maxsize=4096)(lambda ms: first_open_day(ms, zone))
        self._latest = np.zeros((MAX_SOURCES, len(self._limits(0))), np.int64)

    def stated(self, parts: Sequence[Part], batch: CellBatch) -> CellBatch:
        """The cells of a batch that are stated, as their panes were sealed. Remembers the seals."""
        if not parts:
            return batch
        limits = np.array([self._limits(part.sealed_ms) for part in parts], np.int64)
        self._latest[[part.source for part in parts]] = limits
        stated = batch.start_ms < limits[batch.part, batch.level]
        return batch if stated.all() else batch.take(stated.nonzero()[0])

    def _limits(self, sealed_ms: int) -> tuple[int, ...]:
        """By level, when the first pane begins that is open; above all levels nothing follows."""
        return _ALWAYS, sealed_ms, self._first_open_day(sealed_ms), _ALWAYS, _ALWAYS

    def lie_in_open(self, batch: CellBatch) -> NDArray[np.bool_]:
        """By cell, whether the pane a level above it is open."""
        opened: NDArray[np.bool_] = batch.start_ms >= self._latest[batch.source, batch.level + 1]
        return opened

    def has_quarter_of(self, minute_ms: int, sources: Integers) -> bool:
        """Whether the quarter-hour of a minute is open for any of these sources."""
        return bool((minute_ms >= self._latest[sources, QUARTER]).any())

    def above(self, level: int, start_ms: int) -> tuple[Pane, ...]:
        """The panes that a pane is a part of. When the first is open, so are the others."""
        if level == MINUTE:
            quarter_ms = start_ms - start_ms % QUARTER_MS
            return (QUARTER, quarter_ms), (DAY, self._day_of(quarter_ms))
        return ((DAY, self._day_of(start_ms)),)
