"""A narrow column takes no more room than its entries need, and says by its length what it has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.columns import pack_narrow, unpack_narrow, width_of

EDGES = {width: 1 << 8 * width - 1 for width in (1, 2, 4, 8)}
NUMBERS = st.sampled_from(list(EDGES)).flatmap(
    lambda width: st.integers(-EDGES[width], EDGES[width] - 1)
)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_column_is_as_narrow_as_its_greatest_entry_needs(width: int) -> None:
    edge = EDGES[width]
    for entry in (-edge, edge - 1):
        assert len(pack_narrow([0, entry, -1])) == 3 * width
    for entry in (-edge - 1, edge):
        assert len(pack_narrow([0, entry, -1])) == 6 * width


@given(st.lists(NUMBERS, max_size=9))
def test_numbers_come_back_in_their_order(numbers: list[int]) -> None:
    assert list(unpack_narrow(pack_narrow(numbers), len(numbers))) == numbers


@given(st.integers(0, 9), st.integers(0, 99))
def test_bytes_of_no_width_are_no_column(entries: int, length: int) -> None:
    if length in [entries * width for width in EDGES]:
        assert len(unpack_narrow(bytes(length), entries)) == entries
    else:
        assert width_of(bytes(length), entries) is None
        with pytest.raises(ValueError, match="no column"):
            unpack_narrow(bytes(length), entries)
