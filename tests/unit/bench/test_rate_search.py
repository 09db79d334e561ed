"""The search ends, and ends at a rate that was carried below all that were not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.rate_search import CLOSE, Tried, highest, next_rate


def search(begin: int, carried_up_to: int, steps: int = 30) -> list[Tried]:
    tried = [Tried(begin, begin <= carried_up_to)]
    while (rate := next_rate(tried, steps)) is not None:
        tried.append(Tried(rate, rate <= carried_up_to))
    return tried


@given(st.integers(100, 5_000), st.integers(100, 20_000))
def test_the_highest_rate_is_found_as_closely_as_is_worth_a_try(begin: int, limit: int) -> None:
    found = highest(search(begin, limit))
    assert found is not None
    assert found <= limit
    assert found * CLOSE * 1.01 >= limit


def test_a_higher_rate_is_tried_while_all_are_carried() -> None:
    assert next_rate([Tried(1_000, True)], 6) == 1_500


def test_a_lower_rate_is_tried_when_none_is() -> None:
    assert next_rate([Tried(1_000, False)], 6) == 667


def test_between_a_carried_rate_and_one_that_is_not_lies_the_next() -> None:
    assert next_rate([Tried(1_000, True), Tried(1_500, False)], 6) == 1_225


def test_the_search_ends_after_so_many_steps() -> None:
    assert len(search(1_000, 10**9, steps=4)) == 4


def test_a_rate_that_was_carried_by_chance_above_one_that_was_not_does_not_count() -> None:
    assert highest([Tried(1_000, True), Tried(1_500, False), Tried(2_000, True)]) == 1_000
    assert highest([Tried(1_000, False)]) is None
