"""Cells are the same after being columns."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.panes import MINUTE_MS, Cell, Cells

numbers = st.sampled_from((7, 15, 31, 63)).flatmap(
    lambda bits: st.integers(-(2**bits), 2**bits - 1)
)
cells = st.builds(
    Cell,
    st.tuples(st.sampled_from(["", "d"]), st.text(max_size=2), st.text(max_size=3)),
    st.integers(0, 3),
    st.integers(0, 2**32 - 1).map(lambda minute: minute * MINUTE_MS),
    st.integers(0, 63),
    numbers,
    numbers,
    numbers,
    st.lists(st.tuples(st.integers(-1, 4094), numbers), max_size=200).map(tuple),
)


@given(st.lists(cells, max_size=9))
def test_cells_come_back_in_their_order(rows: list[Cell]) -> None:
    columns = Cells.of(rows)
    assert list(columns) == rows
    assert len(columns) == len(rows)
    assert len(set(columns.leaves)) == len(columns.leaves)


def test_a_cell_of_an_ordinary_minute_takes_20_bytes() -> None:
    cell = Cell(("d", "t", "ann"), 0, 29_000_000 * MINUTE_MS, 0, 9, 300_000, 8, ((5, 9), (700, 1)))
    assert Cells.of([cell]).nbytes == 1 + 1 + 1 + 4 + 1 + 4 + 1 + 1 + 2 * (2 + 1)


def test_a_cell_that_starts_within_a_minute_is_refused() -> None:
    with pytest.raises(ValueError, match="whole minute"):
        Cells.of([Cell(("d", "t", "ann"), 0, MINUTE_MS + 1, 0, 1, 1, 1)])


@pytest.mark.parametrize("column", ["leaf", "start_min", "n", "total", "good", "buckets"])
def test_a_column_of_another_length_is_refused(column: str) -> None:
    whole = Cells.of([Cell(("d", "t", "ann"), 0, 0, 0, 1, 1, 1)] * 2)
    with pytest.raises(ValueError, match="no column"):
        list(msgspec.structs.replace(whole, **{column: bytes(3)}))
