import asyncio
from typing import Any

import pytest

from shared.runtime.kafka import ConsumerProgress, Progress, Stuck


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_progress_that_stays_away_is_stuck_and_well_again_when_it_comes_back() -> None:
    clock = Clock()
    progress = Progress(30, clock)
    clock.now = 30
    await progress.check()
    clock.now = 31
    with pytest.raises(Stuck, match="31 s"):
        await progress.check()
    progress.made()
    await progress.check()


class Consumer:
    """The parts of a consumer that the watch asks for. `silent`: a broker that never answers."""

    def __init__(self, position: int, end: int, *, silent: bool = False) -> None:
        self.at = position
        self.end = end
        self.silent = silent

    def assignment(self) -> set[str]:
        return {"p0"}

    async def position(self, _partition: str) -> int:
        return self.at

    async def end_offsets(self, partitions: list[str]) -> dict[str, int]:
        if self.silent:
            await asyncio.sleep(3600)
        return dict.fromkeys(partitions, self.end)


async def checks(consumer: Any, clock: Clock, *moments: float) -> None:
    progress = ConsumerProgress(consumer, patience=30, clock=clock)
    for clock.now in moments:
        await progress.check()


async def test_a_consumer_with_nothing_to_read_is_well_for_ever() -> None:
    await checks(Consumer(5, 5), Clock(), 0, 100, 1000)


async def test_a_consumer_that_leaves_records_lying_is_stuck() -> None:
    with pytest.raises(Stuck):
        await checks(Consumer(5, 9), Clock(), 0, 20, 40)


async def test_a_consumer_that_moves_is_well_however_far_behind() -> None:
    consumer, clock = Consumer(5, 10**6), Clock()
    progress = ConsumerProgress(consumer, patience=30, clock=clock)
    for clock.now in (0, 40, 80, 120):
        consumer.at += 1
        await progress.check()


async def test_a_broker_that_does_not_say_where_its_end_is_counts_as_no_progress() -> None:
    with pytest.raises(Stuck):
        await checks(Consumer(5, 5, silent=True), Clock(), 0, 31)
