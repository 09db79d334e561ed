"""Updates of panes, made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from bellwether_native import SEALED_AFTER_MS

from shared.contracts.leaves import LeafName
from shared.contracts.panes import MINUTE, Cell, Cells, PaneUpdate

STORES: LeafName = ("stores", "", "")
ZONE = ZoneInfo("Europe/Berlin")


def at_ms(text: str) -> int:
    """The instant of a local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1000


def cell(
    start_ms: int,
    n: int = 1,
    *,
    level: int = MINUTE,
    leaf: LeafName = STORES,
    indicator: int = 0,
    sketch: tuple[tuple[int, int], ...] = (),
) -> Cell:
    """``n`` cases of 10 each, all of them good."""
    return Cell(leaf, level, start_ms, indicator, n, 10 * n, n, sketch)


def update(
    sealed_ms: int,
    cells: Iterable[Cell] = (),
    slice_cells: Iterable[Cell] = (),
    *,
    source: int = 0,
    revision: int = 1,
    watermark_ms: int | None = None,
) -> PaneUpdate:
    """What a source says; its time has come no further than it must to seal, unless told."""
    return PaneUpdate(
        source,
        "department:stores",
        revision,
        sealed_ms + SEALED_AFTER_MS if watermark_ms is None else watermark_ms,
        sealed_ms,
        False,
        0,
        "v1",
        Cells.of(cells),
        1,
        Cells.of(slice_cells),
    )
