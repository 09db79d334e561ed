"""Stream time follows the clock while live, and the slowest source in a replay."""

from __future__ import annotations

from services.scoring.core.stream_time import LIVE_MS, PATIENCE_MS, QUIET_MS, SILENT_MS, StreamClock

NOW = 1_800_000_000_000
OLD = NOW - 1_000 * LIVE_MS


def test_nothing_is_told_before_a_source_was_heard() -> None:
    assert StreamClock(2).advance(NOW) is None


def test_a_live_stream_follows_the_wall_clock_though_nothing_comes() -> None:
    clock = StreamClock(2)
    clock.observe(0, NOW - 1_000, True, NOW)
    assert clock.advance(NOW) == NOW
    assert clock.advance(NOW + 60_000) == NOW + 60_000
    assert clock.live
    assert clock.settled


def test_a_stream_that_fell_silent_stands_still() -> None:
    clock = StreamClock(1)
    clock.observe(0, NOW, True, NOW)
    clock.advance(NOW + LIVE_MS)
    assert clock.advance(NOW + LIVE_MS + 1) == NOW + LIVE_MS
    assert not clock.live


def test_in_a_replay_the_slowest_source_decides() -> None:
    clock = StreamClock(2)
    clock.observe(0, OLD + 500, False, NOW)
    clock.observe(1, OLD + 900, True, NOW)
    assert clock.advance(NOW) == OLD + 500
    assert not clock.settled


def test_a_replay_waits_for_sources_never_heard_of_but_not_for_ever() -> None:
    clock = StreamClock(2)
    clock.observe(0, OLD, False, NOW)
    assert clock.advance(NOW + PATIENCE_MS - 1) is None
    assert clock.advance(NOW + PATIENCE_MS) == OLD


def test_a_source_that_caught_up_and_fell_silent_holds_up_nobody() -> None:
    clock = StreamClock(2)
    clock.observe(0, OLD, True, NOW)
    clock.observe(1, OLD + 900, False, NOW)
    assert clock.advance(NOW + SILENT_MS - 1) == OLD
    assert clock.advance(NOW + SILENT_MS) == OLD + 900


def test_at_the_end_of_a_replay_all_that_is_known_counts() -> None:
    clock = StreamClock(2)
    clock.observe(0, OLD, True, NOW)
    clock.observe(1, OLD + 900, True, NOW)
    assert clock.advance(NOW + QUIET_MS) == OLD + 900
    assert clock.settled


def test_time_never_goes_back() -> None:
    clock = StreamClock(1)
    clock.observe(0, OLD, False, NOW)
    clock.advance(NOW)
    clock.observe(0, OLD - 5_000, False, NOW)
    assert clock.advance(NOW) == OLD
    clock.observe(0, NOW, True, NOW)
    clock.advance(NOW)
    assert clock.advance(NOW - 60_000) == NOW
