"""Events go when they are due."""

from __future__ import annotations

import pytest

from deploy.durations import format_duration, parse_duration
from deploy.replay.delivery import batches
from deploy.replay.engine import PlannedEvent
from deploy.replay.pacing import Pace, parse_speed


def event(at_ms: int) -> tuple[int, PlannedEvent]:
    return at_ms, PlannedEvent(at_ms, "ticket.closed", 1, 1, b"{}")


def test_at_full_speed_batches_are_filled_and_due_at_once() -> None:
    found = list(batches(iter([event(n * 1000) for n in range(7)]), 3, Pace(None)))
    assert [(len(batch.events), batch.due_s) for batch in found] == [(3, 0), (3, 0), (1, 0)]


def test_at_a_multiple_of_real_time_a_batch_holds_what_is_due_together() -> None:
    times = [0, 10, 20, 1000, 1010, 5000]
    found = list(batches(iter([event(ms) for ms in times]), 100, Pace(2.0)))
    assert [len(batch.events) for batch in found] == [3, 2, 1]
    assert [round(batch.due_s, 3) for batch in found] == [0.01, 0.505, 2.5]


def test_an_event_is_due_after_its_distance_from_the_first_divided_by_the_speed() -> None:
    assert Pace(60.0).wait_s(event_ms=3_600_000, first_ms=0, elapsed_s=10.0) == 50.0
    assert Pace(60.0).wait_s(event_ms=0, first_ms=0, elapsed_s=10.0) == 0.0


@pytest.mark.parametrize(
    ("text", "speed"), [("max", None), ("1", 1.0), ("60x", 60.0), ("0.5", 0.5)]
)
def test_a_speed_is_max_or_a_multiple(text: str, speed: float | None) -> None:
    assert parse_speed(text).speed == speed


@pytest.mark.parametrize("text", ["0", "-1", "fast", "inf", "nan", ""])
def test_other_speeds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be max"):
        parse_speed(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172_800), ("0", 0)]
)
def test_durations_are_read_as_people_type_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "1 h", "-5m", "1hx"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


def test_durations_are_shown_short() -> None:
    shown = [format_duration(seconds) for seconds in (0.43, 12, 185, 7800)]
    assert shown == ["0.4 s", "12 s", "3 min 05 s", "2 h 10 min"]
