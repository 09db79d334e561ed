import asyncio

import pytest

from services.scoring.measure.watch import end_when_stuck
from shared.runtime.kafka import Progress
from tests.unit.runtime.waiting import until


class Process:
    """What the watch sees of a process, and whether it was ended."""

    def __init__(self) -> None:
        self.now = 0.0
        self.broker = True
        self.asked = 0
        self.ended = False
        self.progress = Progress(60.0, clock=lambda: self.now)

    async def watch(self) -> None:
        await end_when_stuck(self.progress.check, self.answers, every=0.001, end=self.end)

    async def answers(self) -> bool:
        self.asked += 1
        return self.broker

    def end(self) -> None:
        self.ended = True


async def test_a_process_that_stands_still_while_the_broker_answers_is_ended() -> None:
    process = Process()
    process.now = 61.0
    await asyncio.wait_for(process.watch(), 15)
    assert process.ended


async def test_a_process_is_not_ended_for_a_broker_that_is_away_but_when_it_is_back() -> None:
    process = Process()
    process.now, process.broker = 61.0, False
    watch = asyncio.create_task(process.watch())
    await until(lambda: process.asked > 3)
    assert not process.ended
    process.broker = True
    await asyncio.wait_for(watch, 15)
    assert process.ended


async def test_a_process_that_makes_progress_is_left_alone() -> None:
    process = Process()
    watch = asyncio.create_task(process.watch())
    for process.now in (59.0, 118.0, 177.0):
        process.progress.made()
        await asyncio.sleep(0.01)
    assert process.asked == 0
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
