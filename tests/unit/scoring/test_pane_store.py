"""The compiled panes hold what a dict of cells would, however booked, sliced and restored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from bellwether_native import DAY_MS, HOUR_MS, KEPT_MS, MINUTE_MS, QUARTER_MS, PaneStore
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.scoring.core import sketch
from services.scoring.core.pane_kinds import PANE_KINDS
from services.scoring.core.timeline import Holder
from shared.contracts.leaves import WHOLE
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell, Cells
from tests.unit.scoring.native_panes import Cursor, Limits, Panes
from tests.unit.scoring.pane_model import (
    START_MS,
    ZONE,
    Key,
    Model,
    Row,
    by_key,
    is_expired,
    rows,
    steps_ms,
)

LIMITS = Limits(cells=7, record_bytes=600)
RATING = PANE_KINDS[2].index(True)


class Entry(NamedTuple):
    """What a changelog has of a flush: rows and when they were booked, and a slice of the cells."""

    watermark_ms: int
    rows: list[Row]
    sliced: list[Cells]


class PaneStoreMachine(RuleBasedStateMachine):
    """A store, the model, and the log of what was flushed in the round that is under way and in
    the one before."""

    @initialize()
    def begin(self) -> None:
        self.store = Panes(ZONE, LIMITS)
        self.model = Model()
        self.watermark_ms = START_MS
        self.cursor: Cursor | None = None
        self.complete: list[Entry] = []
        self.under_way: list[Entry] = []
        self.has_round = False

    @rule(stated=st.lists(rows, max_size=12), step_ms=steps_ms)
    def book(self, stated: list[Row], step_ms: int) -> None:
        self.watermark_ms += step_ms
        moved = [row._replace(time_ms=self.watermark_ms + HOUR_MS - row.time_ms) for row in stated]
        self.model.seal(self.watermark_ms)
        for row in moved:
            self.model.book(row, self.watermark_ms)
        book_again(self.store, Entry(self.watermark_ms, moved, []))
        self.under_way.append(Entry(self.watermark_ms, moved, []))
        assert self.store.sealed_ms == self.model.sealed_ms

    @rule(budget=st.integers(1, 40) | st.just(10_000), expires=st.booleans())
    def flush(self, budget: int, expires: bool) -> None:
        touched = self.store.take_touched()
        assert by_key(touched.cells) == {k: self.model.cell(k) for k in self.model.stated}
        self.model.stated.clear()
        if expires:
            self.store.drop_expired(self.watermark_ms)
            self.model.expire(self.watermark_ms)
        sliced, self.cursor = self.store.slice_after(self.cursor, budget, self.watermark_ms)
        assert len(sliced.cells) <= budget
        assert all(self.model.cell(key) == cell for key, cell in by_key(sliced.cells).items())
        self.under_way.append(Entry(self.watermark_ms, [], sliced.records))
        if self.cursor is None:
            self.complete, self.under_way = self.under_way, []
            self.has_round = True
            assert self.held(self.restored()) == self.kept()

    @rule()
    def learn_names_anew(self) -> None:
        self.store.forget_names()

    @rule()
    def rest(self) -> None:
        self.store.rest_all()

    @rule()
    def restart(self) -> None:
        """A new process knows what the last complete round and what came after it say."""
        if not self.has_round:
            return
        self.flush(budget=1, expires=False)
        self.store = self.restored()
        self.cursor = None
        self.under_way = []
        self.has_round = False

    def restored(self) -> Panes:
        store = Panes(ZONE, LIMITS)
        for entry in self.complete + self.under_way:
            book_again(store, entry)
        store.take_touched()
        return store

    def held(self, store: Panes) -> dict[Key, Cell]:
        sliced, cursor = store.slice_after(None, 1_000_000, self.watermark_ms)
        assert cursor is None
        return by_key(sliced.cells)

    def kept(self) -> dict[Key, Cell]:
        cells = self.model.cells()
        return {k: cell for k, cell in cells.items() if not is_expired(k, self.watermark_ms)}

    def teardown(self) -> None:
        assert self.held(self.store) == self.kept()

    @invariant()
    def the_last_round_and_what_followed_make_the_state(self) -> None:
        if self.has_round and not self.model.stated:
            assert self.held(self.restored()) == self.kept()


def book_again(store: Panes, entry: Entry) -> None:
    """As a flush does it, and a restore."""
    store.seal(entry.watermark_ms)
    store.book(entry.rows, entry.watermark_ms)
    for record in entry.sliced:
        store.restore(record)


PaneStoreMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=12, deadline=None
)
TestPaneStore = PaneStoreMachine.TestCase


@pytest.mark.parametrize("sealed_after", range(8))
def test_what_is_sealed_in_a_round_is_whole_for_who_reads_from_its_beginning(
    sealed_after: int,
) -> None:
    """Of some minutes the reader knows nothing yet when their quarter-hour is sealed."""
    store, read = Panes(ZONE, LIMITS), Panes(ZONE, LIMITS)
    before = [Row(0, 1, START_MS + n * MINUTE_MS, 5, 1, Holder(), "", "") for n in range(5)]
    book_again(store, Entry(START_MS, before, []))
    cursor: Cursor | None = None
    late = before[0]._replace(time_ms=START_MS + 14 * MINUTE_MS)
    for slices in range(20):
        watermark_ms = START_MS + (HOUR_MS if slices >= sealed_after else 0)
        entry = Entry(watermark_ms, [late], [])
        for each in (store, read):
            book_again(each, entry)
        if slices == 0 or cursor is not None:
            sliced, cursor = store.slice_after(cursor, 1, watermark_ms)
            book_again(read, Entry(watermark_ms, [], sliced.records))
    assert cursor is None
    both = [each.slice_after(None, 100, START_MS)[0].cells for each in (store, read)]
    assert by_key(both[0]) == by_key(both[1])
    assert {cell.level: cell.n for cell in both[0] if cell.level != MINUTE} == {
        QUARTER: 25,
        DAY: 25,
    }


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=40))
def test_records_for_the_wire_are_bounded_and_belong_to_one_group(stated: list[Row]) -> None:
    store = Panes(ZONE, LIMITS)
    store.book([row._replace(time_ms=START_MS + row.time_ms) for row in stated], 0)
    laid = store.take_touched()
    assert len({department for department, _ in laid.groups}) == len(laid.groups)
    for department, records in laid.groups:
        for record in records:
            assert {leaf[0] for leaf in record.leaves} == {department}
            assert len(set(record.leaves)) == len(record.leaves)
    grouped = [record for _, records in laid.groups for record in records]
    for record in [*laid.records, *grouped]:
        assert 0 < len(record) <= LIMITS.cells
        names = sum(len(part.encode()) for leaf in record.leaves for part in leaf)
        assert record.nbytes + names <= LIMITS.record_bytes or len(record) == 1
    in_groups = [cell for record in grouped for cell in record]
    assert in_groups == laid.cells
    assert len(by_key(in_groups)) == len(in_groups) == store.cells


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=40), st.integers(0, 40))
def test_the_same_bookings_give_the_same_bytes(stated: list[Row], taken_first: int) -> None:
    moved = [row._replace(time_ms=START_MS + row.time_ms) for row in stated]
    found = []
    for _ in range(2):
        store = Panes(ZONE, LIMITS)
        store.book(moved[:taken_first], START_MS)
        first = store.take_touched()
        store.book(moved[taken_first:], START_MS)
        found.append((first, store.take_touched(), store.slice_after(None, 100, START_MS)))
    assert found[0] == found[1]


def test_a_leaf_lies_in_one_piece_and_a_record_names_it_once() -> None:
    store = Panes(ZONE, Limits(cells=1000, record_bytes=1_000_000))
    stated = [
        Row(1, 1, START_MS + n * HOUR_MS, 5, 1, Holder("d", "t", str(n % 3)), "", "")
        for n in range(9)
    ]
    store.book(stated, START_MS)
    leaves = [cell.leaf for cell in store.take_touched().cells]
    runs = [leaf for n, leaf in enumerate(leaves) if n == 0 or leaves[n - 1] != leaf]
    assert len(runs) == len(set(leaves)) == 4


def test_a_block_goes_when_its_last_pane_is_no_longer_kept() -> None:
    store = Panes(ZoneInfo("UTC"), LIMITS)
    row = Row(0, 1, 100 * DAY_MS, 5, 1, Holder(), "", "")
    store.seal(row.time_ms + HOUR_MS)
    store.book([row], row.time_ms)
    assert store.cells == 3
    store.take_touched()
    store.drop_expired(row.time_ms + 4 * HOUR_MS - 1)
    assert store.cells == 3
    store.drop_expired(row.time_ms + 4 * HOUR_MS)
    assert store.cells == 2
    store.drop_expired(row.time_ms + 200 * DAY_MS)
    assert store.cells == 0


def test_a_cell_that_goes_before_it_is_taken_is_not_taken() -> None:
    store = Panes(ZoneInfo("UTC"), LIMITS)
    row = Row(0, 1, 100 * DAY_MS, 5, 1, Holder(), "", "")
    store.seal(row.time_ms + 2 * DAY_MS)
    store.book([row], row.time_ms)
    store.drop_expired(row.time_ms + 4 * HOUR_MS)
    assert {cell.level for cell in store.take_touched().cells} == {QUARTER, DAY}


def test_panes_are_kept_as_long_as_windows_need_them() -> None:
    assert KEPT_MS == {MINUTE: 3 * HOUR_MS, QUARTER: 9 * DAY_MS, DAY: 62 * DAY_MS}


@pytest.mark.parametrize("level", [MINUTE, QUARTER, DAY])
def test_a_pane_takes_bookings_until_it_is_no_longer_kept(level: int) -> None:
    start_ms = 100 * DAY_MS
    last_ms = start_ms + KEPT_MS[level]
    row = Row(0, 1, start_ms + 1, 5, 1, Holder(), "", "")
    for watermark_ms, is_kept in ((last_ms, True), (last_ms + 1, False)):
        store = Panes(ZoneInfo("UTC"), LIMITS)
        store.seal(start_ms + 2 * DAY_MS)
        store.book([row], watermark_ms)
        touched = {cell.level for cell in store.take_touched().cells}
        sliced, _ = store.slice_after(None, 10, watermark_ms)
        assert (level in touched) is is_kept
        assert {cell.level for cell in sliced.cells} == touched


def test_a_restored_cell_loses_the_buckets_that_it_no_longer_has() -> None:
    store = Panes(ZONE, LIMITS)
    before = Cell(WHOLE, DAY, START_MS, 0, 3, 9, 1, ((1, 2), (5, 1)))
    after = before._replace(n=4, sketch=((5, 3), (6, 1)))
    for cell in (before, after):
        store.restore(Cells.of([cell]))
    sliced, _ = store.slice_after(None, 10, START_MS)
    assert sliced.cells == [after]


@pytest.mark.parametrize("bits", [7, 15, 31, 63])
def test_cells_at_the_edge_of_a_width_come_back(bits: int) -> None:
    """Sums may be negative: balances and gauges are, and what is taken back before it is stated."""
    inside = [-(2**bits), 2**bits - 1]
    beyond = [-(2**bits) - 1, 2**bits] if bits < 63 else []
    cells = [
        Cell(WHOLE, TOTAL, 0, indicator, number, number, number, ((-1, 1), (4094, -1)))
        for indicator, number in enumerate(inside + beyond)
    ]
    for stated in (cells[:2], cells):
        store = Panes(ZONE, LIMITS)
        store.restore(Cells.of(stated))
        sliced, _ = store.slice_after(None, 10, START_MS)
        assert sliced.cells == stated
        assert sliced.records == [Cells.of(stated)]


def test_a_day_that_begins_twice_has_one_cell() -> None:
    """At 00:01 the clocks went back to 23:01 of the day before, which then ended once more."""
    sunday_ms = int(datetime(2010, 11, 7, 2, 30, tzinfo=UTC).timestamp()) * 1000
    times = (sunday_ms, sunday_ms + QUARTER_MS, sunday_ms + 6 * QUARTER_MS)
    store = Panes(ZONE, LIMITS)
    store.book([Row(0, 1, time_ms, 5, 1, Holder(), "", "") for time_ms in times], sunday_ms)
    store.seal(sunday_ms + 2 * DAY_MS)
    cells = store.take_touched().cells
    days = {cell.start_ms: (cell.n, cell.sketch) for cell in cells if cell.level == DAY}
    bucket = sketch.bucket_of(5)
    assert days == {sunday_ms: (2, ((bucket, 2),)), sunday_ms - DAY_MS: (1, ((bucket, 1),))}


def test_a_day_that_goes_on_after_midnight_is_sealed_when_it_has_ended() -> None:
    sunday_ms = int(datetime(2010, 11, 7, 2, 30, tzinfo=UTC).timestamp()) * 1000
    saturday = [sunday_ms - QUARTER_MS, sunday_ms + QUARTER_MS, sunday_ms + 3 * QUARTER_MS]
    store = Panes(ZONE, LIMITS)
    for start_ms in saturday:
        store.book([Row(0, 1, start_ms, 5, 1, Holder(), "", "")], start_ms)
    store.take_touched()
    days = []
    for quarter in range(6):
        store.seal(sunday_ms + (quarter + 1) * QUARTER_MS)
        stated = [cell.n for cell in store.take_touched().cells if cell.level == DAY]
        days.append(stated)
    assert days == [[], [], [], [], [3], []]


def test_slices_however_small_give_every_cell_once() -> None:
    store = Panes(ZONE, LIMITS)
    stated = [
        Row(1, 1, START_MS + n * HOUR_MS, n, 1, Holder("d", "t", str(n)), "c", "k")
        for n in range(9)
    ]
    store.book(stated, START_MS)
    found: list[Cell] = []
    cursor: Cursor | None = None
    while cursor is not None or not found:
        sliced, cursor = store.slice_after(cursor, 2, START_MS)
        assert len(sliced.cells) <= 2
        found += sliced.cells
    assert by_key(found) == by_key(store.take_touched().cells)


def test_cells_do_not_depend_on_which_names_a_process_met_first() -> None:
    stated = [Row(1, 1, START_MS, 5, 1, Holder("d", "t", str(n)), "c", "k") for n in range(5)]
    found = []
    for order in (range(5), reversed(range(5))):
        store = Panes(ZONE, LIMITS)
        store.book([stated[n] for n in order], 0)
        found.append(by_key(store.take_touched().cells))
    assert found[0] == found[1]
    assert {cell.n for cell in found[0].values()} == {1, 5}


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (Row(0, 1, -1, 5, 1, Holder(), "", ""), "time"),
        (Row(0, 1, 2**62, 5, 1, Holder(), "", ""), "time"),
        (Row(200, 1, START_MS, 5, 1, Holder(), "", ""), "indicator"),
        (Row(RATING, 1, START_MS, -1, 1, Holder(), "", ""), "rating"),
        (Row(RATING, 1, START_MS, 5000, 1, Holder(), "", ""), "bucket"),
    ],
)
def test_a_measurement_that_cannot_be_is_refused(row: Row, word: str) -> None:
    store = Panes(ZONE, LIMITS)
    with pytest.raises(ValueError, match=word):
        store.book([row], START_MS)
    assert store.cells == 0


def test_what_the_zone_raises_is_passed_on() -> None:
    def midnight(_time_ms: int) -> int:
        raise OverflowError("no such day")

    store = PaneStore(midnight, PANE_KINDS, LIMITS)
    with pytest.raises(OverflowError, match="no such day"):
        store.seal(START_MS)


def test_a_cell_of_an_indicator_that_cannot_be_is_refused() -> None:
    store = Panes(ZONE, LIMITS)
    possible, impossible = (Cell(WHOLE, DAY, START_MS, i, 1, 1, 1) for i in (63, 64))
    with pytest.raises(ValueError, match="indicator 64"):
        store.restore(Cells.of([possible, impossible]))
    assert store.cells == 0
    store.restore(Cells.of([possible]))
    assert store.slice_after(None, 10, START_MS)[0].cells == [possible]


def test_more_is_booked_at_once_than_is_summed_up_at_once() -> None:
    """Every row in a cell of its own, beside the one that is common to all."""
    count = 9_000
    store = Panes(ZONE, LIMITS)
    names = [str(n) for n in range(count)]
    store.seal(START_MS + 2 * DAY_MS)
    store.book([Row(0, 1, START_MS, 5, 1, Holder(n, n, n), "", "") for n in names], START_MS)
    assert store.cells == 3 * (1 + count)
    cells = store.take_touched().cells
    whole = [cell.n for cell in cells if cell.leaf == WHOLE]
    assert whole == [count] * 3
    assert sum(cell.n for cell in cells) == 3 * 2 * count


def test_kinds_that_do_not_agree_are_refused() -> None:
    with pytest.raises(ValueError, match="kinds"):
        PaneStore(lambda time_ms: time_ms, ([True], [], [], []), LIMITS)
