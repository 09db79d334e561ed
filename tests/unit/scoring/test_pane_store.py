"""The columnar panes hold what a dict of cells would, however booked, sliced and restored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.scoring.core import sketch
from services.scoring.core.cell_arrays import CellArrays, Limits, WireCells
from services.scoring.core.lifecycle import Holder, Row
from services.scoring.core.measured import NameTable, measured
from services.scoring.core.panes import (
    DAY_MS,
    HOUR_MS,
    KEPT_MS,
    MINUTE_MS,
    QUARTER_MS,
    Cursor,
    PaneStore,
)
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell, Cells, ScopeName
from shared.contracts.scopes import SCOPE_KINDS

# Clocks in St. John's were set back to the evening before.
ZONE = ZoneInfo("America/St_Johns")
START_MS = int(datetime(2010, 11, 6, 20, tzinfo=UTC).timestamp()) * 1000
LIMITS = Limits(cells=7, record_bytes=600)

Key = tuple[ScopeName, int, int, int]

names = st.sampled_from(["", "a", "b"])
RATINGS = [INDICATORS[name].kind == "rating" for name in INDICATOR_IDS]
rows = st.builds(
    Row,
    indicator=st.integers(0, len(INDICATOR_IDS) - 1),
    sequence=st.integers(0, 3),
    sign=st.sampled_from([1, 1, -1]),
    time_ms=st.integers(0, 12 * HOUR_MS) | st.integers(0, 80 * DAY_MS),
    value=st.integers(0, 2_000) | st.integers(0, 10 * 366 * DAY_MS),
    good=st.integers(0, 1),
    holder=st.builds(Holder, names, names, names),
    channel=names,
    category=names,
    event=st.integers(0, 2**64 - 1),
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


def on_the_wire(store: PaneStore, arrays: CellArrays) -> list[Cells]:
    scopes = store.scopes
    return WireCells(arrays, scopes.rows, scopes.department_of, LIMITS).records()


def cells_in(records: Iterable[Cells]) -> list[Cell]:
    return [cell for record in records for cell in record]


class PaneStoreMachine(RuleBasedStateMachine):
    """A store, the model, and the log of what was flushed in the round that is under way and in
    the one before."""

    @initialize()
    def begin(self) -> None:
        self.names = NameTable()
        self.store = PaneStore(ZONE, self.names)
        self.model = Model()
        self.watermark_ms = START_MS
        self.cursor: Cursor | None = None
        self.booked: set[Key] = set()
        self.complete: list[Cells] = []
        self.under_way: list[Cells] = []
        self.has_round = False

    @rule(stated=st.lists(rows, max_size=12), step_ms=steps_ms)
    def book(self, stated: list[Row], step_ms: int) -> None:
        self.watermark_ms += step_ms
        moved = [row._replace(time_ms=self.watermark_ms + HOUR_MS - row.time_ms) for row in stated]
        for row in moved:
            self.model.book(row, self.watermark_ms)
            self.booked |= touched_by(row, self.watermark_ms)
        self.store.book(measured([("T", moved)], self.names), self.watermark_ms)

    @rule(budget=st.integers(1, 40), expires=st.booleans())
    def flush(self, budget: int, expires: bool) -> None:
        touched = on_the_wire(self.store, self.store.take_touched())
        assert by_key(cells_in(touched)) == {k: self.model.cell(k) for k in self.booked}
        self.booked.clear()
        if expires:
            self.store.drop_expired(self.watermark_ms)
            self.model.expire(self.watermark_ms)
        cells, self.cursor = self.store.slice_after(self.cursor, budget, self.watermark_ms)
        sliced = on_the_wire(self.store, cells)
        assert all(self.model.cell(key) == cell for key, cell in by_key(cells_in(sliced)).items())
        self.under_way += touched + sliced
        if self.cursor is None:
            self.complete, self.under_way = self.under_way, []
            self.has_round = True
            held = {cell[:4]: cell for cell in cells_in(self.complete)}
            assert {key: held.get(key) for key in self.kept()} == self.kept()

    @rule()
    def restart(self) -> None:
        """A new process knows what the last complete round and what came after it say."""
        if not self.has_round:
            return
        self.flush(budget=1, expires=False)
        self.names = NameTable()
        self.store = PaneStore(ZONE, self.names)
        for record in self.complete + self.under_way:
            self.store.restore(record)
        self.cursor = None
        self.under_way = []
        self.has_round = False

    def kept(self) -> dict[Key, Cell]:
        cells = self.model.cells()
        return {k: cell for k, cell in cells.items() if not is_expired(k, self.watermark_ms)}

    @invariant()
    def a_whole_round_of_slices_is_the_state(self) -> None:
        cells, cursor = self.store.slice_after(None, 1_000_000, self.watermark_ms)
        assert cursor is None
        assert by_key(cells_in(on_the_wire(self.store, cells))) == self.kept()


def touched_by(row: Row, watermark_ms: int) -> set[Key]:
    one = Model()
    one.book(row, watermark_ms)
    return set(one.sums)


PaneStoreMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=12, deadline=None
)
TestPaneStore = PaneStoreMachine.TestCase


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=40))
def test_records_for_the_wire_are_bounded_and_belong_to_one_group(stated: list[Row]) -> None:
    table = NameTable()
    store = PaneStore(ZONE, table)
    late = [row._replace(time_ms=START_MS + row.time_ms) for row in stated]
    store.book(measured([("T", late)], table), 0)
    arrays = store.take_touched()
    scopes = store.scopes
    wire = WireCells(arrays, scopes.rows, scopes.department_of, LIMITS)
    grouped = wire.by_group()
    for department, records in grouped.items():
        for record in records:
            assert {scope[0] for scope in record.scopes} == {scopes.departments[department]}
            assert len(set(record.scopes)) == len(record.scopes)
    for record in [*wire.records(), *(r for records in grouped.values() for r in records)]:
        assert 0 < len(record) <= LIMITS.cells
        assert record.nbytes <= LIMITS.record_bytes or len(record) == 1
    in_groups = [cell for records in grouped.values() for cell in cells_in(records)]
    assert by_key(in_groups) == by_key(cells_in(wire.records()))
    assert len(in_groups) == arrays.size


def test_a_block_goes_when_its_last_pane_is_no_longer_kept() -> None:
    table = NameTable()
    store = PaneStore(ZoneInfo("UTC"), table)
    row = Row(0, 0, 1, 100 * DAY_MS, 5, 1, Holder(), "", "", 1)
    store.book(measured([("T", [row])], table), row.time_ms)
    assert store.cells == 3
    store.take_touched()
    store.drop_expired(row.time_ms + 4 * HOUR_MS - 1)
    assert store.cells == 3
    store.drop_expired(row.time_ms + 4 * HOUR_MS)
    assert store.cells == 2
    store.drop_expired(row.time_ms + 200 * DAY_MS)
    assert store.cells == 0


def test_a_restored_cell_loses_the_buckets_that_it_no_longer_has() -> None:
    store = PaneStore(ZONE, NameTable())
    before = Cell(("", 0, ""), DAY, START_MS, 0, 3, 9, 1, ((1, 2), (5, 1)))
    after = before._replace(n=4, sketch=((5, 3), (6, 1)))
    for cell in (before, after):
        store.restore(Cells.of([cell]))
    cells, _ = store.slice_after(None, 10, START_MS)
    assert cells_in(on_the_wire(store, cells)) == [after]


def test_a_day_that_begins_twice_has_one_cell() -> None:
    """At 00:01 the clocks went back to 23:01 of the day before, which then ended once more."""
    sunday_ms = int(datetime(2010, 11, 7, 2, 30, tzinfo=UTC).timestamp()) * 1000
    times = (sunday_ms, sunday_ms + QUARTER_MS, sunday_ms + 6 * QUARTER_MS)
    table = NameTable()
    store = PaneStore(ZONE, table)
    stated = [Row(0, 0, 1, time_ms, 5, 1, Holder(), "", "", 1) for time_ms in times]
    store.book(measured([("T", stated)], table), sunday_ms)
    cells = cells_in(on_the_wire(store, store.take_touched()))
    days = {cell.start_ms: (cell.n, cell.sketch) for cell in cells if cell.level == DAY}
    bucket = sketch.bucket_of(5)
    assert days == {sunday_ms: (2, ((bucket, 2),)), sunday_ms - DAY_MS: (1, ((bucket, 1),))}


def test_slices_however_small_give_every_cell_once() -> None:
    table = NameTable()
    store = PaneStore(ZONE, table)
    stated = [
        Row(1, 0, 1, START_MS + n * HOUR_MS, n, 1, Holder("d", "t", str(n)), "c", "k", n)
        for n in range(9)
    ]
    store.book(measured([("T", stated)], table), START_MS)
    found: list[Cell] = []
    cursor: Cursor | None = None
    while cursor is not None or not found:
        cells, cursor = store.slice_after(cursor, 2, START_MS)
        assert cells.size <= 2
        found += cells_in(on_the_wire(store, cells))
    assert by_key(found) == by_key(cells_in(on_the_wire(store, store.take_touched())))


def test_cells_do_not_depend_on_which_names_a_process_met_first() -> None:
    stated = [Row(1, 0, 1, START_MS, 5, 1, Holder("d", "t", str(n)), "c", "k", n) for n in range(5)]
    found = []
    for order in (range(5), reversed(range(5))):
        table = NameTable()
        for n in order:
            _ = table[stated[n].holder, "c", "k"]
        store = PaneStore(ZONE, table)
        store.book(measured([("T", stated)], table), 0)
        found.append(by_key(cells_in(on_the_wire(store, store.take_touched()))))
    assert found[0] == found[1]
    assert {cell.n for cell in found[0].values()} == {1, 5}
