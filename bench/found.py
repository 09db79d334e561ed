"""What a variant has counted, from the records that it wrote: the last word on a key counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from bench.oracle import Cell
from bench.ours.pane_engine import read_rows
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import DAY, PaneUpdate
from shared.contracts.scopes import SCOPE_KINDS

Found = dict[tuple[str, int], Cell]
_ORGANISATION: Final = SCOPE_KINDS.index("organisation")


class _Result(msgspec.Struct):
    k: str
    m: int
    n: int
    total: int
    low: int
    high: int
    good: int


_RESULT: Final = msgspec.json.Decoder(_Result)


def from_rows(values: Iterable[bytes]) -> Found:
    """Records of our columnar engine."""
    return {(key, start): Cell(*row) for value in values for key, start, row in read_rows(value)}


def from_json(values: Iterable[bytes]) -> Found:
    """One object to a record, as the peers write them."""
    decoded = map(_RESULT.decode, values)
    return {(r.k, r.m): Cell(r.n, r.total, r.low, r.high, r.good) for r in decoded}


def from_faust(items: Iterable[tuple[bytes, bytes]]) -> Found:
    """The changelog of a table: key|minute to a list."""
    found: Found = {}
    for key, value in items:
        name, _, minute = msgspec.json.decode(key, type=str).rpartition("|")
        found[name, int(minute)] = Cell(*msgspec.json.decode(value, type=list[int]))
    return found


def totals_of(records: Iterable[object]) -> dict[str, tuple[int, int]]:
    """Days are absolute: the last of each source partition and day counts."""
    days: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for record in records:
        if not isinstance(record, PaneUpdate):
            continue
        for cell in (*record.cells, *record.slice_cells):
            if cell.level == DAY and cell.scope[1] == _ORGANISATION:
                place = (record.source, cell.start_ms, cell.indicator)
                if record.revision >= days.get(place, (0,))[0]:
                    days[place] = (record.revision, cell.n, cell.total)
    totals: dict[str, tuple[int, int]] = {}
    for (_, _, indicator), (_, n, total) in days.items():
        known = totals.get(INDICATOR_IDS[indicator], (0, 0))
        totals[INDICATOR_IDS[indicator]] = (known[0] + n, known[1] + total)
    return totals
