"""Columns that make no cells are refused; those of several records are read as one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.core.cell_batch import MAX_SOURCES, CellError, Part, batch_of, check
from shared.contracts.panes import Cell, Cells, ScopeName

CELL = Cell(("d", 1, "d"), 0, 60_000, 0, 2, 30, 1, ((5, 2), (7, 1)))
GOOD = Cells.of([CELL, CELL._replace(level=1)])

NAMES = st.tuples(st.sampled_from(["", "d"]), st.integers(0, 5), st.text(max_size=3))
SKETCHES = st.dictionaries(st.integers(-1, 2_000), st.integers(1, 2**40), max_size=4)
CELLS = st.lists(
    st.builds(
        Cell,
        NAMES,
        st.integers(0, 3),
        st.integers(-(2**45), 2**45),
        st.integers(0, 63),
        *[st.integers(-(2**62), 2**62)] * 3,
        SKETCHES.map(lambda sketch: tuple(sorted(sketch.items()))),
    ),
    max_size=9,
)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("scope", b""),
        ("scope", b"\1\0\0\0" * 2),
        ("scopes", []),
        ("scopes", [("d", 99, "d")]),
        ("level", b"\0\7"),
        ("level", b"\0"),
        ("indicator", b"\0\100"),
        ("start_ms", b"\0" * 15),
        ("n", b"\0" * 24),
        ("total", b""),
        ("good", b"\0" * 8),
        ("buckets", b"\0\0" * 2),
        ("bucket", b"\0" * 7),
        ("counts", b"\0" * 24),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(column: str, value: object) -> None:
    check(0, GOOD)
    with pytest.raises(CellError):
        check(0, msgspec.structs.replace(GOOD, **{column: value}))


def test_a_source_beyond_the_keys_is_refused() -> None:
    with pytest.raises(CellError):
        check(MAX_SOURCES, GOOD)


@given(st.lists(st.tuples(st.integers(0, 9), CELLS.map(Cells.of)), max_size=4))
def test_cells_of_several_records_are_read_in_order(parts: list[Part]) -> None:
    names: list[ScopeName] = []

    def numbers_of(asked: list[ScopeName]) -> list[int]:
        names.extend(name for name in dict.fromkeys(asked) if name not in names)
        return [names.index(name) for name in asked]

    batch = batch_of(parts, numbers_of)
    expected = [
        (place, source, cell) for place, (source, cells) in enumerate(parts) for cell in cells
    ]
    entries = list(zip(batch.sketches.bucket, batch.sketches.counts, strict=True))
    read = []
    for part, source, scope, level, indicator, start_ms, n, total, good, length in zip(
        *batch[:-1], batch.sketches.lengths, strict=True
    ):
        sketch = tuple(entries[:length])
        del entries[:length]
        cell = Cell(names[scope], level, start_ms, indicator, n, total, good, sketch)
        read.append((part, source, cell))
    assert read == expected
