"""Quarter-hours and days that a source has not sealed: they follow from its cells a level below.

What a record states of a pane that it does not seal is passed over. What is derived looks at the
latest seal that was read instead: of the cells of several records only the last ones are looked at,
and what the seal states, in these records or the next, holds all that came before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from services.scoring.core.cell_batch import MAX_SOURCES, CellBatch, Part
from services.scoring.core.columns import Integers
from services.scoring.core.midnights import midnight_of
from shared.contracts.panes import DAY, MINUTE, MINUTE_MS, QUARTER

QUARTER_MS: Final = 15 * MINUTE_MS

Pane = tuple[int, int]
"""Level and start."""

_ALWAYS: Final = np.iinfo(np.int64).max


class DerivedRows(NamedTuple):
    """Rows of cells, and the panes above them that they are summed up in, by neighbouring rows."""

    rows: Integers
    runs: list[tuple[tuple[Pane, ...], slice]]


class OpenPanes:
    """How far each source has sealed its panes."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._day_of = lru_cache(maxsize=4096)(lambda time_ms: midnight_of(time_ms, zone))
        self._latest = np.zeros((MAX_SOURCES, len(self._limits(0))), np.int64)

    def stated(self, parts: Sequence[Part], batch: CellBatch) -> CellBatch:
        """The cells that are stated, of panes that were sealed. Remembers the seals."""
        if not parts:
            return batch
        limits = np.array([self._limits(part.sealed_ms) for part in parts], np.int64)
        self._latest[[part.source for part in parts]] = limits
        stated = batch.start_ms < limits[batch.part, batch.level]
        return batch if stated.all() else batch.take(stated.nonzero()[0])

    def _limits(self, sealed_ms: int) -> tuple[int, ...]:
        """By level, when the first pane begins that is not sealed; above all levels there is
        nothing to derive."""
        return _ALWAYS, sealed_ms, self._day_of(sealed_ms), _ALWAYS, _ALWAYS

    def derived(
        self, batch: CellBatch, panes: Sequence[tuple[Pane, slice]], changed: Integers
    ) -> DerivedRows:
        """What open panes follow from, among the changed ones of the rows that lie in ``panes``."""
        above = [self._above(*pane) for pane, _ in panes]
        firsts = np.array([each[0][1] if each else 0 for each in above], np.int64)
        starts = firsts.repeat([rows.stop - rows.start for _, rows in panes])[changed]
        is_open = starts >= self._latest[batch.source[changed], batch.level[changed] + 1]
        rows = changed[is_open]
        ends: list[int] = rows.searchsorted([rows.stop for _, rows in panes]).tolist()
        parts = map(slice, [0, *ends], ends)
        return DerivedRows(
            rows,
            [
                (each, part)
                for each, part in zip(above, parts, strict=True)
                if part.start < part.stop
            ],
        )

    def _above(self, level: int, start_ms: int) -> tuple[Pane, ...]:
        """The panes that a pane is a part of. While the first is open, the others are."""
        if level == MINUTE:
            quarter_ms = start_ms - start_ms % QUARTER_MS
            return (QUARTER, quarter_ms), (DAY, self._day_of(quarter_ms))
        return ((DAY, self._day_of(start_ms)),) if level == QUARTER else ()
