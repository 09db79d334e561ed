"""Columns of cells travel without a trace of the journey."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.core.cell_arrays import from_wire, to_wire
from shared.contracts.panes import Cell, Cells

_NAMES = st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 5), st.text(max_size=3))
_SKETCHES = st.lists(
    st.tuples(st.integers(-1, 2000), st.integers(1, 2**40)), max_size=4, unique_by=lambda e: e[0]
)
_CELLS = st.lists(
    st.builds(
        Cell,
        _NAMES,
        st.integers(0, 3),
        st.integers(0, 2**45),
        st.integers(0, 60),
        st.integers(-(2**40), 2**40),
        st.integers(-(2**62), 2**62),
        st.integers(-(2**40), 2**40),
        _SKETCHES.map(lambda entries: tuple(sorted(entries))),
    ),
    max_size=30,
    unique_by=lambda cell: cell[:4],
)


@given(_CELLS)
def test_cells_are_the_same_after_being_columns(cells: list[Cell]) -> None:
    assert list(Cells.of(cells)) == cells
    assert len(Cells.of(cells)) == len(cells)


@given(_CELLS)
def test_cells_are_the_same_after_being_arrays(cells: list[Cell]) -> None:
    wire = Cells.of(cells)
    arrays = from_wire(wire, np.arange(len(wire.scopes)))
    assert list(to_wire(arrays, wire.scopes)) == cells
