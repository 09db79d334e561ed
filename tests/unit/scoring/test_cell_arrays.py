"""Columns of cells travel without a trace of the journey."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from bellwether_native import MINUTE_MS
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.columns import pack
from shared.contracts.panes import Cell, Cells
from tests.unit.scoring.native_panes import Limits, Panes

_LIMITS = Limits(cells=5, record_bytes=300)
_NAMES = st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 5), st.text(max_size=3))
_COUNTS = st.integers(-(2**50), 2**50).filter(bool)
_SKETCHES = st.lists(
    st.tuples(st.integers(-1, 4094), _COUNTS), max_size=20, unique_by=lambda e: e[0]
)
_INT64 = st.integers(-(2**63), 2**63 - 1)
_CELLS = st.lists(
    st.builds(
        Cell,
        _NAMES,
        st.integers(0, 3),
        st.integers(0, 2**32 - 1).map(lambda minute: minute * MINUTE_MS),
        st.integers(0, 255),
        _INT64,
        _INT64,
        _INT64,
        _SKETCHES.map(lambda entries: tuple(sorted(entries))),
    ),
    max_size=30,
    unique_by=lambda cell: cell[:4],
)
_CELL = Cell(("d", 2, "t"), 1, 0, 3, 1, 2, 1, ((4, 1), (7, 2)))


@given(_CELLS)
def test_cells_are_the_same_after_being_columns(cells: list[Cell]) -> None:
    assert list(Cells.of(cells)) == cells
    assert len(Cells.of(cells)) == len(cells)


@given(_CELLS)
def test_cells_are_the_same_after_being_restored_and_cut(cells: list[Cell]) -> None:
    store = _store()
    store.restore(Cells.of(cells))
    sliced, cursor = store.slice_after(None, 1000, 0)
    assert cursor is None
    assert sorted(sliced.cells) == sorted(cells)
    assert [cell for _, records in sliced.groups for r in records for cell in r] == sliced.cells
    for record in sliced.records:
        assert 0 < len(record) <= _LIMITS.cells
        assert record.nbytes <= _LIMITS.record_bytes or len(record) == 1


@given(_CELLS.filter(bool), st.data())
def test_columns_that_do_not_fit_together_are_refused(
    cells: list[Cell], data: st.DataObject
) -> None:
    wire = Cells.of(cells)
    name = data.draw(st.sampled_from([f for f in Cells.__struct_fields__ if f != "scopes"]))
    column = getattr(wire, name)
    other = column[:-1] if column and data.draw(st.booleans()) else column + b"\x01"
    store = _store()
    with pytest.raises(ValueError, match=r"column \w+ has \d+ bytes where \d+ are due"):
        store.restore(_with(wire, name, other))
    assert store.cells == 0


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [
        ("scope", pack("I", [1]), "scope is number 1 of 1"),
        ("level", b"\x04", "no level 4"),
        ("start_ms", pack("q", [-1]), "-1 ms lies outside"),
        ("start_ms", pack("q", [2**62]), "lies outside"),
        ("buckets", pack("H", [65535]), "column bucket"),
        ("bucket", pack("h", [4, -2]), "no bucket -2"),
        ("bucket", pack("h", [4, 4095]), "no bucket 4095"),
        ("counts", pack("q", [1, 2**51]), "no room for the count"),
    ],
)
def test_numbers_that_cannot_be_are_refused(name: str, column: bytes, words: str) -> None:
    store = _store()
    with pytest.raises(ValueError, match=words):
        store.restore(_with(Cells.of([_CELL]), name, column))
    assert store.cells == 0


@given(st.binary(max_size=60), st.data())
def test_no_bytes_whatever_end_the_process(noise: bytes, data: st.DataObject) -> None:
    fields = {name: noise[: data.draw(st.integers(0, 60))] for name in Cells.__struct_fields__[1:]}
    cells = Cells([("d", 2, "t")], **fields)
    store = _store()
    try:
        store.restore(cells)
    except ValueError:
        return
    assert store.cells <= len(cells)


def _store() -> Panes:
    return Panes(ZoneInfo("UTC"), _LIMITS)


def _with(cells: Cells, name: str, column: bytes) -> Cells:
    fields = {field: getattr(cells, field) for field in Cells.__struct_fields__}
    return Cells(**{**fields, name: column})
