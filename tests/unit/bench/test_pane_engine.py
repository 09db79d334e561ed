"""The columnar engine: exact whatever the batches, flushes, repetitions and crashes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from bench import found, oracle
from bench.oracle import Cell
from bench.ours.pane_engine import Flush, PaneEngine
from bench.streams import common
from bench.streams.common import LATENESS_MS, MINUTE_MS, Event

START_MS = 1_767_225_600_000


def run(
    events: Sequence[Event], *, rolling: bool = False, batch: int = 700, flush_every: int = 3
) -> list[Flush]:
    engine = PaneEngine(LATENESS_MS, rolling)
    values = [common.encode(event) for event in events]
    flushes = [engine.flush()]
    for number, first in enumerate(range(0, len(values), batch)):
        part = values[first : first + batch]
        engine.process(first + len(part), part)
        if number % flush_every == 0:
            flushes.append(engine.flush())
    return [*flushes, engine.flush()]


def cells(flushes: Sequence[Flush]) -> found.Found:
    counted = found.from_rows(value for flush in flushes for value in flush.results)
    return {at: cell for at, cell in counted.items() if not at[0].startswith(common.CLOSING)}


def read(engine: PaneEngine, values: Sequence[bytes], count: int) -> int:
    part = values[engine.position : engine.position + count]
    if part:
        engine.process(engine.position + len(part), part)
    return engine.position


def stream(count: int) -> list[Event]:
    return [*common.events(count, START_MS), common.closing(0, count, START_MS)]


@pytest.mark.parametrize(("batch", "flush_every"), [(1, 50), (997, 1), (5_000, 3), (100_000, 1)])
def test_minutes_are_exact_whatever_the_batches_and_flushes(batch: int, flush_every: int) -> None:
    events = stream(6_000)
    counted = cells(run(events, batch=batch, flush_every=flush_every))
    assert oracle.compare(oracle.minutes(events), counted).exact


def test_hours_are_exact_over_more_than_an_hour() -> None:
    rng = random.Random(5)
    events = [
        Event(
            f"e{n}", START_MS + n * 1_500 + rng.randrange(20_000), f"p{n % 7}", "c", "i", n, n % 2
        )
        for n in range(4_000)
    ]
    events.append(Event("end", START_MS + 10**8, common.CLOSING, "c", "i", 0, 0))
    counted = cells(run(events, rolling=True))
    assert oracle.compare(oracle.rolling(oracle.minutes(events)), counted).exact


def test_an_hour_is_stated_again_when_a_late_event_changes_it() -> None:
    late = Event("late", START_MS, "p", "c", "i", 1, 1)
    events = [
        Event("a", START_MS, "p", "c", "i", 5, 1),
        Event("b", START_MS + 4 * MINUTE_MS, "p", "c", "i", 7, 0),
        late,
    ]
    counted = cells(run(events, rolling=True, batch=1, flush_every=1))
    assert counted["p|c|i", START_MS - 59 * MINUTE_MS] == Cell(2, 6, 1, 5, 2)


def test_an_event_is_late_by_what_came_before_it_and_not_by_the_rest_of_its_batch() -> None:
    events = [
        Event("a", START_MS, "p", "c", "i", 5, 1),
        Event("b", START_MS + 2 * LATENESS_MS, "p", "c", "i", 7, 0),
        Event("c", START_MS, "p", "c", "i", 5, 1),
    ]
    engine = PaneEngine(LATENESS_MS)
    engine.process(3, [common.encode(event) for event in events])
    assert engine.late == 1
    assert cells([engine.flush()])["p|c|i", START_MS] == Cell(1, 5, 5, 5, 1)


def test_a_repetition_is_found_across_batches_flushes_and_many_runs() -> None:
    events = list(common.events(2_000, START_MS)) * 2
    counted = cells(run(events, batch=100, flush_every=1))
    assert oracle.compare(oracle.minutes(events), counted).exact


@pytest.mark.parametrize("rolling", [False, True])
def test_a_crash_between_flushes_changes_nothing(rolling: bool) -> None:
    """What was not stored is read again from the position that the changelog holds."""
    values = [common.encode(event) for event in stream(6_000)]
    stored: list[Flush] = []
    rng = random.Random(3)
    position = 0
    while position < len(values):
        engine = PaneEngine(LATENESS_MS, rolling)
        engine.restore(flush.changelog for flush in stored)
        for _ in range(rng.randrange(1, 4)):
            position = read(engine, values, rng.randrange(1, 900))
            stored.append(engine.flush())
        read(engine, values, 300)  # and then it is killed
    expected = oracle.minutes(stream(6_000))
    wanted = oracle.rolling(expected) if rolling else expected
    assert oracle.compare(wanted, cells(stored)).exact


def test_a_flush_without_news_states_nothing() -> None:
    engine = PaneEngine(LATENESS_MS)
    engine.process(1, [common.encode(next(common.events(1, START_MS)))])
    assert len(engine.flush().results) == 1
    assert engine.flush().results == []
