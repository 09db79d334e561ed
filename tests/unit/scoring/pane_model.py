"""A plain model of panes: a dict of cells, and rows to book in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bellwether_native import DAY_MS, HOUR_MS, KEPT_MS, MINUTE_MS, QUARTER_MS
from hypothesis import strategies as st

from services.scoring.core import sketch
from services.scoring.core.timeline import Holder
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell, ScopeName
from shared.contracts.scopes import SCOPE_KINDS

# Clocks in St. John's were set back to the evening before.
ZONE = ZoneInfo("America/St_Johns")
START_MS = int(datetime(2010, 11, 6, 20, tzinfo=UTC).timestamp()) * 1000


class Row(NamedTuple):
    """A measurement; ``sign`` -1 takes it back."""

    indicator: int
    sign: int
    time_ms: int
    value: int
    good: int
    holder: Holder
    channel: str
    category: str


Key = tuple[ScopeName, int, int, int]

names = st.sampled_from(["", "a", "b"])
RATINGS = [INDICATORS[name].kind == "rating" for name in INDICATOR_IDS]
rows = st.builds(
    Row,
    indicator=st.integers(0, len(INDICATOR_IDS) - 1),
    sign=st.sampled_from([1, 1, -1]),
    time_ms=st.integers(0, 12 * HOUR_MS) | st.integers(0, 80 * DAY_MS),
    value=st.integers(0, 2_000) | st.integers(0, 10 * 366 * DAY_MS),
    good=st.integers(0, 1),
    holder=st.builds(Holder, names, names, names),
    channel=names,
    category=names,
).map(lambda row: row._replace(value=row.value % 1001) if RATINGS[row.indicator] else row)
steps_ms = st.sampled_from([0, MINUTE_MS, HOUR_MS, 3 * HOUR_MS, DAY_MS, 20 * DAY_MS])


class Model:
    """Cells as a dict: [n, total, good], and counts by bucket."""

    def __init__(self) -> None:
        self.sums: dict[Key, list[int]] = {}
        self.sketches: dict[Key, dict[int, int]] = {}

    def book(self, row: Row, watermark_ms: int) -> None:
        kind = INDICATORS[INDICATOR_IDS[row.indicator]].kind
        for level, start in starts_of(row.time_ms, is_gauge=kind == "gauge"):
            if level == TOTAL or start >= watermark_ms - KEPT_MS[level]:
                for scope in scopes_of(row):
                    self.add((scope, level, start, row.indicator), row, bucket_of(kind, row.value))

    def add(self, key: Key, row: Row, bucket: int | None) -> None:
        sums = self.sums.setdefault(key, [0, 0, 0])
        for place, number in enumerate((1, row.value, row.good)):
            sums[place] += row.sign * number
        if bucket is not None:
            counts = self.sketches.setdefault(key, {})
            counts[bucket] = counts.get(bucket, 0) + row.sign

    def expire(self, watermark_ms: int) -> None:
        for key in [k for k in self.sums if is_expired(k, watermark_ms)]:
            del self.sums[key]
            self.sketches.pop(key, None)

    def cell(self, key: Key) -> Cell:
        counts = self.sketches.get(key, {})
        entries = tuple(sorted((b, count) for b, count in counts.items() if count))
        n, total, good = self.sums[key]
        scope, level, start_ms, indicator = key
        return Cell(scope, level, start_ms, indicator, n, total, good, entries)

    def cells(self) -> dict[Key, Cell]:
        return {key: self.cell(key) for key in self.sums}


def bucket_of(kind: str, value: int) -> int | None:
    if kind == "rating":
        return value
    return sketch.bucket_of(value) if kind in ("duration", "amount") else None


def starts_of(time_ms: int, *, is_gauge: bool) -> Iterable[tuple[int, int]]:
    quarter_ms = time_ms // QUARTER_MS * QUARTER_MS
    day = datetime.fromtimestamp(quarter_ms / 1000, ZONE).date()
    midnight = datetime.combine(day, time(), ZONE)
    yield MINUTE, time_ms // MINUTE_MS * MINUTE_MS
    yield QUARTER, quarter_ms
    yield DAY, int(midnight.timestamp()) * 1000
    if is_gauge:
        yield TOTAL, 0


def scopes_of(row: Row) -> Iterable[ScopeName]:
    kind = SCOPE_KINDS.index
    department, team, employee = row.holder
    yield "", kind("organisation"), ""
    if row.channel:
        yield "", kind("channel"), row.channel
    if row.category:
        yield "", kind("category"), row.category
    if department:
        yield department, kind("department"), department
    if department and team:
        yield department, kind("team"), team
    if department and employee:
        yield department, kind("employee"), employee


def is_expired(key: Key, watermark_ms: int) -> bool:
    return key[1] != TOTAL and key[2] < watermark_ms - KEPT_MS[key[1]]


def by_key(cells: Iterable[Cell]) -> dict[Key, Cell]:
    """By key; no cell may be there twice."""
    found: dict[Key, Cell] = {}
    for cell in cells:
        assert cell[:4] not in found
        found[cell[:4]] = cell
    return found


def touched_by(row: Row, watermark_ms: int) -> set[Key]:
    one = Model()
    one.book(row, watermark_ms)
    return set(one.sums)
