"""The oracle, by hand, and the comparison that no wrong count passes."""

from __future__ import annotations

import pytest

from bench import oracle
from bench.oracle import Cell
from bench.streams import common
from bench.streams.common import MINUTE_MS, Event


def event(id_: str, minute: int, value: int, *, employee: str = "e", good: int = 1) -> Event:
    return Event(id_, minute * MINUTE_MS + 5, employee, "c", "i", value, good)


def test_a_minute_has_count_sum_least_greatest_and_good_of_its_distinct_events() -> None:
    events = [event("a", 1, 5), event("b", 1, 3, good=0), event("a", 1, 5), event("c", 2, 9)]
    assert oracle.minutes(events) == {
        ("e|c|i", MINUTE_MS): Cell(2, 8, 3, 5, 1),
        ("e|c|i", 2 * MINUTE_MS): Cell(1, 9, 9, 9, 1),
    }


def test_closing_events_count_for_nothing() -> None:
    assert oracle.minutes([common.closing(0, 100, 0)]) == {}


def test_an_event_lies_in_the_sixty_hours_that_hold_its_minute() -> None:
    hours = oracle.rolling(oracle.minutes([event("a", 100, 5)]))
    assert sorted(start // MINUTE_MS for _, start in hours) == list(range(41, 101))
    assert set(hours.values()) == {Cell(1, 5, 5, 5, 1)}


def test_an_hour_merges_the_minutes_in_it_and_no_other() -> None:
    hours = oracle.rolling(oracle.minutes([event("a", 100, 5), event("b", 159, 3, good=0)]))
    assert hours["e|c|i", 100 * MINUTE_MS] == Cell(2, 8, 3, 5, 1)
    assert hours["e|c|i", 101 * MINUTE_MS] == Cell(1, 3, 3, 3, 0)
    assert hours["e|c|i", 99 * MINUTE_MS] == Cell(1, 5, 5, 5, 1)


RIGHT = {("k", 0): Cell(2, 8, 3, 5, 1), ("k", 1): Cell(1, 1, 1, 1, 1)}


def test_equal_cells_are_exact() -> None:
    assert oracle.compare(RIGHT, dict(RIGHT)).exact
    assert str(oracle.compare(RIGHT, dict(RIGHT))) == "exact"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({("k", 0): Cell(2, 8, 3, 5, 1)}, "1 missing"),
        ({**RIGHT, ("k", 2): Cell(1, 1, 1, 1, 1)}, "1 too many"),
        ({**RIGHT, ("k", 1): Cell(1, 2, 1, 1, 1)}, "1 different"),
        ({}, "counted 0 instead of 3"),
    ],
)
def test_any_difference_is_wrong(found: oracle.Cells, said: str) -> None:
    compared = oracle.compare(RIGHT, found)
    assert not compared.exact
    assert str(compared).startswith("WRONG")
    assert said in str(compared)
