"""The index gives every key one place, whatever it is asked together with."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.core.key_index import KeyIndex

_KEYS = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 50)


@given(st.lists(st.lists(_KEYS, max_size=60), max_size=12))
def test_it_agrees_with_a_dict_after_any_calls(calls: list[list[int]]) -> None:
    index = KeyIndex()
    expected: dict[int, int] = {}
    for keys in calls:
        for key in sorted(set(keys)):
            expected.setdefault(key, len(expected))
        assert index.place(np.array(keys, np.int64)).tolist() == [expected[k] for k in keys]
    assert len(index) == len(expected)
    assert index.keys.tolist() == list(expected)


@given(st.sets(_KEYS, max_size=100), st.lists(_KEYS, max_size=100))
def test_what_was_never_placed_is_not_found(placed: set[int], asked: list[int]) -> None:
    index = KeyIndex()
    index.place(np.array(sorted(placed), np.int64))
    found = index.find(np.array(asked, np.int64))
    places = dict(zip(sorted(placed), range(len(placed)), strict=True))
    assert found.tolist() == [places.get(key, -1) for key in asked]


def test_it_grows_far_beyond_its_first_capacity() -> None:
    index = KeyIndex()
    keys = np.random.default_rng(7).permutation(np.arange(200_000, dtype=np.int64) << 12)
    for part in np.array_split(keys, 37):
        index.place(part)
    assert len(index) == len(keys)
    assert (index.keys[index.find(keys)] == keys).all()
