"""Only what no restore needs may be deleted from the log of panes."""

from __future__ import annotations

from services.scoring.core.retention import CycleTracker


def tracker(*records: tuple[int, int, int]) -> CycleTracker:
    cycles = CycleTracker()
    for source, cycle, offset in records:
        cycles.observe(source, cycle, offset)
    return cycles


def test_nothing_is_superfluous_before_a_round_was_completed() -> None:
    assert tracker().needed_from == 0
    assert tracker((0, 1, 10), (0, 1, 20)).needed_from == 10


def test_a_completed_round_makes_superfluous_what_came_before_it() -> None:
    assert tracker((0, 1, 10), (0, 2, 50), (0, 2, 60)).needed_from == 10
    assert tracker((0, 1, 10), (0, 2, 50), (0, 3, 90)).needed_from == 50


def test_the_slowest_source_decides() -> None:
    assert tracker((0, 1, 10), (1, 5, 20), (0, 2, 50), (0, 3, 90)).needed_from == 20


def test_an_interrupted_round_counts_for_nothing() -> None:
    interrupted = tracker((0, 1, 10), (0, 2, 50), (0, 4, 90))
    assert interrupted.needed_from == 10
    interrupted.observe(0, 5, 120)
    assert interrupted.needed_from == 90


def test_of_a_source_without_cells_only_the_latest_watermark_is_needed() -> None:
    cycles = tracker()
    cycles.observe_watermark(0, 100)
    cycles.observe_watermark(1, 90)
    cycles.observe_watermark(0, 200)
    assert cycles.needed_from == 90
    cycles.observe(1, 7, 110)
    cycles.observe_watermark(1, 300)
    assert cycles.needed_from == 110
