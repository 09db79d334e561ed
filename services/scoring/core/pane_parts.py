"""Cells as the sources state them."""

from __future__ import annotations

from typing import Final, NamedTuple

from bellwether_native import MOST_SOURCES, check_cells

from shared.contracts.fields import LATEST_TIME_MS
from shared.contracts.panes import QUARTER_MS, Cells


class Part(NamedTuple):
    """Cells that a source states, and up to when it had sealed its panes by then."""

    source: int
    sealed_ms: int
    cells: Cells


class CellError(ValueError):
    """Columns that do not fit together, or that hold what no cell can be."""


_SEALS_MS: Final = range(0, LATEST_TIME_MS + 1, QUARTER_MS)


def check(part: Part) -> None:
    """Raises `CellError` when the columns make no cells that can be summed up, or there can be no
    such source or seal."""
    if not 0 <= part.source < MOST_SOURCES:
        raise CellError(f"source {part.source} is none of {MOST_SOURCES}")
    if part.sealed_ms not in _SEALS_MS:
        raise CellError(f"nothing can be sealed up to {part.sealed_ms} ms")
    try:
        check_cells(part.cells.columns, len(part.cells.leaves))
    except ValueError as error:
        raise CellError(str(error)) from error
