"""A plain model of panes: a dict of cells, and rows to book in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bellwether_native import (
    DAY_MS,
    HOUR_MS,
    KEPT_MS,
    MINUTE_MS,
    QUARTER_MS,
    SEALED_AFTER_MS,
)
from hypothesis import strategies as st

from services.scoring.core import sketch
from services.scoring.core.timeline import Holder
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.leaves import LeafName
from shared.contracts.midnights import first_open_day
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell

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


Key = tuple[LeafName, int, int, int]

names = st.sampled_from(["", "a", "b", "c" * 150])
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
    """Cells as a dict: [n, total, good], and counts by bucket. ``stated`` are the keys of those
    that have something new to say, until somebody clears it."""

    def __init__(self) -> None:
        self.sums: dict[Key, list[int]] = {}
        self.sketches: dict[Key, dict[int, int]] = {}
        self.sealed_ms = 0
        self.stated: set[Key] = set()

    def seal(self, time_ms: int) -> None:
        before_ms = self.sealed_ms
        self.sealed_ms = max(before_ms, (time_ms - SEALED_AFTER_MS) // QUARTER_MS * QUARTER_MS)
        for key in list(self.sums):
            leaf, level, start_ms, indicator = key
            if level == MINUTE and before_ms <= start_ms < self.sealed_ms:
                for upper, start in starts_of(start_ms, is_gauge=False):
                    if upper != MINUTE:
                        self.add_cell((leaf, upper, start, indicator), key)
        ended = {key for key in self.sums if key[1] == DAY and self.is_stated(key)}
        self.stated |= {key for key in ended if key[2] >= first_open_day(before_ms, ZONE)}

    def is_stated(self, key: Key) -> bool:
        if key[1] == QUARTER:
            return key[2] < self.sealed_ms
        return key[1] != DAY or key[2] < first_open_day(self.sealed_ms, ZONE)

    def book(self, row: Row, watermark_ms: int) -> None:
        kind = INDICATORS[INDICATOR_IDS[row.indicator]].kind
        is_sealed = row.time_ms < self.sealed_ms
        for level, start in starts_of(row.time_ms, is_gauge=kind == "gauge"):
            is_kept = level == TOTAL or start >= watermark_ms - KEPT_MS[level]
            if is_kept and (is_sealed or level in (MINUTE, TOTAL)):
                for leaf in leaves_of(row):
                    self.add((leaf, level, start, row.indicator), row, bucket_of(kind, row.value))

    def add(self, key: Key, row: Row, bucket: int | None) -> None:
        numbers = (row.sign, row.sign * row.value, row.sign * row.good)
        self.add_sums(key, numbers, {} if bucket is None else {bucket: row.sign})

    def add_cell(self, key: Key, other: Key) -> None:
        self.add_sums(key, self.sums[other], self.sketches.get(other, {}))

    def add_sums(self, key: Key, numbers: Iterable[int], sketch: Mapping[int, int]) -> None:
        sums = self.sums.setdefault(key, [0, 0, 0])
        for place, number in enumerate(numbers):
            sums[place] += number
        counts = self.sketches.setdefault(key, {})
        for bucket, count in sketch.items():
            counts[bucket] = counts.get(bucket, 0) + count
        if self.is_stated(key):
            self.stated.add(key)

    def expire(self, watermark_ms: int) -> None:
        for key in [k for k in self.sums if is_expired(k, watermark_ms)]:
            del self.sums[key]
            self.sketches.pop(key, None)

    def cell(self, key: Key) -> Cell:
        counts = self.sketches.get(key, {})
        entries = tuple(sorted((b, count) for b, count in counts.items() if count))
        n, total, good = self.sums[key]
        leaf, level, start_ms, indicator = key
        return Cell(leaf, level, start_ms, indicator, n, total, good, entries)

    def cells(self) -> dict[Key, Cell]:
        return {key: self.cell(key) for key in self.sums}


def bucket_of(kind: str, value: int) -> int | None:
    if kind == "rating":
        return value
    return sketch.bucket_of(value) if kind in ("duration", "amount") else None


def midnight_before(quarter_ms: int) -> int:
    """When the local day of a quarter-hour began."""
    day = datetime.fromtimestamp(quarter_ms / 1000, ZONE).date()
    return int(datetime.combine(day, time(), ZONE).timestamp()) * 1000


def starts_of(time_ms: int, *, is_gauge: bool) -> Iterable[tuple[int, int]]:
    quarter_ms = time_ms // QUARTER_MS * QUARTER_MS
    yield MINUTE, time_ms // MINUTE_MS * MINUTE_MS
    yield QUARTER, quarter_ms
    yield DAY, midnight_before(quarter_ms)
    if is_gauge:
        yield TOTAL, 0


def leaves_of(row: Row) -> Iterable[LeafName]:
    yield "", row.channel, row.category
    if row.holder.department:
        yield row.holder.department, row.holder.team, row.holder.employee


def is_expired(key: Key, watermark_ms: int) -> bool:
    return key[1] != TOTAL and key[2] < watermark_ms - KEPT_MS[key[1]]


def by_key(cells: Iterable[Cell]) -> dict[Key, Cell]:
    """By key; no cell may be there twice."""
    found: dict[Key, Cell] = {}
    for cell in cells:
        assert cell[:4] not in found
        found[cell[:4]] = cell
    return found
