"""What a variant has counted, read back from the topic that it wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from bench import topics
from bench.oracle import Cell
from bench.ours.pane_engine import read_rows
from bench.streams.common import CLOSING
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import DAY, PaneUpdate, decode_pane_record
from shared.contracts.scopes import SCOPE_KINDS
from shared.contracts.topics import PANES

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


def cells(bootstrap: str, sink: str, results: str) -> Found:
    """The last word of a variant on every key and window, closing events left out."""
    if results == "rows":
        found = from_rows(value for _, _, value in topics.read(bootstrap, sink) if value)
    elif results == "json":
        found = from_json(value for _, _, value in topics.read(bootstrap, sink) if value)
    elif results == "faust":
        changelog = topics.read(bootstrap, f"{sink}-panes-changelog")
        found = from_faust((key, value) for _, key, value in changelog if key and value)
    else:
        raise ValueError(f"{results!r} is no way of writing cells")
    return {place: cell for place, cell in found.items() if not place[0].startswith(CLOSING)}


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


def organisation_totals(bootstrap: str) -> dict[str, tuple[int, int]]:
    """n and total of every indicator over the whole organisation, from the product's panes."""
    values = (value for _, _, value in topics.read(bootstrap, PANES.name) if value)
    return totals_of(map(decode_pane_record, values))


def totals_of(records: Iterable[object]) -> dict[str, tuple[int, int]]:
    """Days are absolute: the last of each source partition and day counts."""
    days: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for record in records:
        if not isinstance(record, PaneUpdate):
            continue
        for cell in (*record.cells, *record.slice_cells):
            if cell.level == DAY and cell.kind == _ORGANISATION:
                place = (record.source, cell.start_ms, cell.indicator)
                if record.revision >= days.get(place, (0,))[0]:
                    days[place] = (record.revision, cell.n, cell.total)
    totals: dict[str, tuple[int, int]] = {}
    for (_, _, indicator), (_, n, total) in days.items():
        known = totals.get(INDICATOR_IDS[indicator], (0, 0))
        totals[INDICATOR_IDS[indicator]] = (known[0] + n, known[1] + total)
    return totals
