"""What a variant has counted, from the records that it wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from bench.oracle import Cell
from bench.ours.pane_engine import read_rows
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.pane_log import PaneLog
from shared.contracts.panes import DAY, PaneRecord
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


def totals_of(records: Iterable[PaneRecord], zone: ZoneInfo) -> dict[str, tuple[int, int]]:
    """By indicator, of all days of the organisation, which has this zone."""
    log = PaneLog(zone, kinds={_ORGANISATION})
    for record in records:
        log.take(record)
    totals: dict[str, tuple[int, int]] = {}
    for key, summed in log.rolled_up().items():
        if key.level == DAY:
            n, total = totals.get(INDICATOR_IDS[key.indicator], (0, 0))
            totals[INDICATOR_IDS[key.indicator]] = (n + summed.n, total + summed.total)
    return totals
