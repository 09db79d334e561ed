"""Co-partitioned topics are processed side by side, and nothing waits for ever."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.measure.alignment import Alignment


@dataclass(frozen=True)
class Message:
    """What the alignment looks at."""

    offset: int
    timestamp: int


def messages(*timestamps: int) -> list[Message]:
    """Records of one topic."""
    return [Message(offset, timestamp) for offset, timestamp in enumerate(timestamps)]


def taken(alignment: Alignment, more: list[bool], now: float = 0.0) -> dict[int, list[int]]:
    """What is let through, by topic."""
    return {topic: [m.timestamp for m in part] for topic, part in alignment.take(more, now)}


def test_records_wait_for_a_topic_that_was_read_less_far() -> None:
    alignment = Alignment(2)
    alignment.add(0, messages(10, 20, 30))
    alignment.add(1, messages(5, 20))
    assert taken(alignment, [True, True]) == {0: [10, 20], 1: [5, 20]}
    assert list(alignment.wanted()) == [1]
    assert taken(alignment, [True, False]) == {0: [30]}


def test_a_topic_was_read_as_far_as_the_last_record_says() -> None:
    alignment = Alignment(2)
    alignment.add(0, messages(10, 90, 20))
    alignment.add(1, messages(15, 20, 25))
    assert taken(alignment, [True, True]) == {0: [10, 90, 20], 1: [15, 20]}


def test_what_comes_while_records_wait_follows_them() -> None:
    alignment = Alignment(2)
    alignment.add(0, messages(10, 20))
    assert taken(alignment, [True, True]) == {}
    alignment.add(0, messages(30))
    alignment.add(1, messages(25))
    assert taken(alignment, [True, True]) == {0: [10, 20], 1: [25]}


def test_a_topic_without_more_to_come_holds_up_nobody() -> None:
    alignment = Alignment(3)
    alignment.add(2, messages(7, 8))
    assert taken(alignment, [False, False, True]) == {2: [7, 8]}
    assert not alignment.holds


def test_a_silent_topic_is_waited_for_with_bounded_patience() -> None:
    alignment = Alignment(2, patience=1.0)
    alignment.add(0, messages(1))
    assert taken(alignment, [True, True], now=10.0) == {}
    assert alignment.holds
    assert taken(alignment, [True, True], now=10.9) == {}
    assert taken(alignment, [True, True], now=11.0) == {0: [1]}


def test_patience_begins_anew_when_the_silent_topic_spoke() -> None:
    alignment = Alignment(2, patience=1.0)
    alignment.add(0, messages(1, 9))
    assert taken(alignment, [True, True], now=10.0) == {}
    alignment.add(1, messages(2))
    assert taken(alignment, [True, True], now=10.5) == {0: [1], 1: [2]}
    assert taken(alignment, [True, True], now=11.2) == {}


@given(st.lists(st.lists(st.integers(0, 40), max_size=30), min_size=1, max_size=3), st.data())
def test_every_record_goes_through_once_and_in_its_topics_order(
    topics: list[list[int]], data: st.DataObject
) -> None:
    alignment = Alignment(len(topics))
    left = [messages(*timestamps) for timestamps in topics]
    through: list[list[Message]] = [[] for _ in topics]
    while any(left) or alignment.holds:
        for topic in alignment.wanted():
            size = data.draw(st.integers(1, 10))
            alignment.add(topic, left[topic][:size])
            del left[topic][:size]
        for topic, part in alignment.take([bool(rest) for rest in left], now=0.0):
            through[topic] += part
    assert through == [messages(*timestamps) for timestamps in topics]
