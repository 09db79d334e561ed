"""Cells that are none, or that no window can hold, are refused."""

from __future__ import annotations

import msgspec
import pytest
from bellwether_native import MOST_SOURCES
from hypothesis import assume, given
from hypothesis import strategies as st

from services.scoring.core.pane_parts import CellError, Part, check
from shared.contracts.columns import pack
from shared.contracts.fields import LATEST_TIME_MS
from shared.contracts.panes import MINUTE_MS, QUARTER_MS, Cell, Cells
from tests.unit.scoring.native_panes import Limits, Panes
from tests.unit.scoring.pane_model import ZONE

CELL = Cell(("d", "t", "ann"), 0, 60_000, 0, 2, 30, 1, ((5, 2), (7, 1)))
GOOD = Cells.of([CELL, CELL._replace(level=1)])

COLUMNS = Cells.__struct_fields__[1:]

NAMES = st.tuples(*[st.sampled_from(["", "d"]), st.text(max_size=2), st.text(max_size=3)])
NUMBERS = st.sampled_from((7, 15, 31, 63)).flatmap(lambda b: st.integers(-(2**b), 2**b - 1))
"""As many of each width."""
SKETCHES = st.dictionaries(
    st.integers(-1, 120) | st.integers(-1, 4094), st.integers(1, 120) | st.integers(1, 2**37 - 1)
)
CELLS = st.lists(
    st.builds(
        Cell,
        NAMES,
        st.integers(0, 3),
        st.integers(0, 4_000_000_000 - 1).map(lambda minute: minute * MINUTE_MS),
        st.integers(0, 63),
        *[NUMBERS] * 3,
        SKETCHES.map(lambda sketch: tuple(sorted(sketch.items()))),
    ),
    max_size=9,
)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("leaf", b""),
        ("leaf", b"\1" * 2),
        ("leaf", b"\xff" * 2),
        ("leaves", []),
        ("level", b"\0\7"),
        ("level", b"\0"),
        ("indicator", b"\0\100"),
        ("start_min", b"\0" * 15),
        ("start_min", b"\xff" * 2),
        ("start_min", pack("q", [0, 2**32])),
        ("n", b"\0" * 6),
        ("total", b""),
        ("good", b"\0" * 32),
        ("buckets", b"\0" * 2),
        ("buckets", b"\3\2"),
        ("buckets", b"\5\xff"),
        ("buckets", pack("q", [2**62, 4 - 2**62])),
        ("bucket", b"\0" * 7),
        ("bucket", pack("i", [5, 7, 5, 65_541])),
        ("bucket", b"\xfe" * 4),
        ("counts", b"\0" * 12),
        ("counts", pack("q", [1, 1, 1, 2**52])),
        ("counts", pack("q", [1, 1, 1, 2**37])),
        ("counts", pack("q", [1, 1, 1, -(2**37)])),
        ("start_min", pack("q", [0, 4_000_000_000])),
        ("bucket", bytes([5, 5, 5, 7])),
        ("bucket", bytes([5, 7, 7, 5])),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(column: str, value: object) -> None:
    check(Part(0, 0, GOOD))
    with pytest.raises(CellError):
        check(Part(0, 0, msgspec.structs.replace(GOOD, **{column: value})))


@pytest.mark.parametrize("column", COLUMNS)
def test_bytes_without_cells_are_refused(column: str) -> None:
    check(Part(0, 0, Cells()))
    with pytest.raises(CellError):
        check(Part(0, 0, msgspec.structs.replace(Cells(), **{column: b"\0"})))


@given(CELLS, st.sampled_from(COLUMNS), st.integers(0, 99))
def test_a_column_of_a_damaged_length_is_refused_by_all_who_read_it(
    cells: list[Cell], column: str, length: int
) -> None:
    whole = Cells.of(cells)
    widths = (1,) if column in ("level", "indicator") else (1, 2, 4, 8)
    in_sketches = column in ("bucket", "counts")
    entries = sum(len(cell.sketch) for cell in cells) if in_sketches else len(cells)
    assume(length not in [entries * width for width in widths])
    damaged = getattr(whole, column)[:length].ljust(length, b"\1")
    damaged_cells = msgspec.structs.replace(whole, **{column: damaged})
    check(Part(0, 0, whole))
    with pytest.raises(CellError):
        check(Part(0, 0, damaged_cells))
    with pytest.raises(ValueError, match=r"."):
        list(damaged_cells)
    with pytest.raises(ValueError, match=r"."):
        Panes(ZONE, Limits(9, 999)).restore(damaged_cells)


@pytest.mark.parametrize("source", [-1, MOST_SOURCES])
def test_a_source_that_cannot_be_is_refused(source: int) -> None:
    with pytest.raises(CellError, match="source"):
        check(Part(source, 0, GOOD))


@pytest.mark.parametrize("sealed_ms", [-QUARTER_MS, MINUTE_MS, LATEST_TIME_MS + 1, 2**63])
def test_a_seal_that_cannot_be_is_refused(sealed_ms: int) -> None:
    check(Part(MOST_SOURCES - 1, LATEST_TIME_MS + 1 - QUARTER_MS, GOOD))
    with pytest.raises(CellError, match="sealed"):
        check(Part(0, sealed_ms, GOOD))
