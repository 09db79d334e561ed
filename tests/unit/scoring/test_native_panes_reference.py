"""The compiled panes say what the panes in Python say."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core import panes
from services.scoring.core.cell_arrays import CellArrays, WireCells
from services.scoring.core.cell_arrays import Limits as ReferenceLimits
from services.scoring.core.engine import RECORD_LIMITS
from services.scoring.core.lifecycle import Row
from services.scoring.core.measured import NameTable, measured
from shared.contracts.panes import Cells
from tests.unit.scoring.native_panes import Laid, Limits, Panes
from tests.unit.scoring.pane_model import START_MS, ZONE, by_key, rows, steps_ms

_FLUSHES = st.lists(
    st.tuples(st.lists(rows, max_size=20), steps_ms, st.booleans()), min_size=1, max_size=8
)
_LIMITS = st.sampled_from((Limits(*RECORD_LIMITS), Limits(cells=9, record_bytes=700)))


class _Reference:
    """The panes in Python."""

    def __init__(self, limits: Limits) -> None:
        self._names = NameTable()
        self.store = panes.PaneStore(ZONE, self._names)
        self._limits = ReferenceLimits(*limits)

    def book(self, stated: list[Row], watermark_ms: int) -> None:
        self.store.book(measured([("T", stated)], self._names), watermark_ms)

    def take_touched(self) -> Laid:
        return self._laid(self.store.take_touched())

    def whole(self, watermark_ms: int) -> Laid:
        cells, _ = self.store.slice_after(None, 1_000_000, watermark_ms)
        return self._laid(cells)

    def _laid(self, cells: CellArrays) -> Laid:
        scopes = self.store.scopes
        wire = WireCells(cells, scopes.rows, scopes.department_of, self._limits)
        groups = wire.by_group().items()
        return Laid(wire.records(), [(scopes.departments[d], records) for d, records in groups])


@settings(deadline=None, max_examples=200)
@given(_FLUSHES, _LIMITS)
def test_flushes_and_states_are_those_of_the_reference(
    flushes: list[tuple[list[Row], int, bool]], limits: Limits
) -> None:
    ours, reference = Panes(ZONE, limits), _Reference(limits)
    watermark_ms = START_MS
    for stated, step_ms, expires in flushes:
        watermark_ms += step_ms
        moved = [row._replace(time_ms=watermark_ms + panes.HOUR_MS - row.time_ms) for row in stated]
        ours.book(moved, watermark_ms)
        reference.book(moved, watermark_ms)
        _assert_same(ours.take_touched(), reference.take_touched())
        if expires:
            ours.drop_expired(watermark_ms)
            reference.store.drop_expired(watermark_ms)
        assert ours.cells == reference.store.cells
        _assert_same(
            ours.slice_after(None, 1_000_000, watermark_ms)[0], reference.whole(watermark_ms)
        )


@settings(deadline=None, max_examples=50)
@given(_FLUSHES)
def test_a_restored_state_is_that_of_the_reference(
    flushes: list[tuple[list[Row], int, bool]],
) -> None:
    limits = Limits(*RECORD_LIMITS)
    first, ours, reference = Panes(ZONE, limits), Panes(ZONE, limits), _Reference(limits)
    watermark_ms = START_MS
    for stated, step_ms, _ in flushes:
        watermark_ms += step_ms
        first.book([row._replace(time_ms=START_MS + row.time_ms) for row in stated], watermark_ms)
        for record in first.take_touched().records:
            ours.restore(record)
            reference.store.restore(record)
    assert ours.cells == reference.store.cells
    _assert_same(ours.slice_after(None, 1_000_000, START_MS)[0], reference.whole(START_MS))


def _assert_same(ours: Laid, reference: Laid) -> None:
    """The same cells, in the same order but for that within a scope."""
    assert by_key(ours.cells) == by_key(cell for record in reference.records for cell in record)
    assert [_scopes(records) for _, records in ours.groups] == [
        _scopes(records) for _, records in reference.groups
    ]
    assert [name for name, _ in ours.groups] == [name for name, _ in reference.groups]
    assert _scopes(ours.records) == _scopes(reference.records)


def _scopes(records: list[Cells]) -> list[tuple[str, int, str]]:
    return [cell.scope for record in records for cell in record]
