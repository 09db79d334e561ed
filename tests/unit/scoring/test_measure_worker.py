"""A partition's worker: time passes for it though no record comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.scoring.core import engine as engine_module
from services.scoring.core.changelog import Tail
from services.scoring.core.engine import Flush
from services.scoring.core.rules import RuleHistory
from services.scoring.measure.flush_policy import FlushPolicy, Pace
from services.scoring.measure.scratch_files import ScratchFiles, ScratchFolderError
from services.scoring.measure.store import PartitionStore
from services.scoring.measure.worker import PartitionWorker
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.topics import INPUTS
from tests.unit.scoring.engine_events import START, Log, event
from tests.unit.scoring.promising import promise_rules

RULES = promise_rules(("resolution_time", "department:*", "10m"))
OVERNIGHT = promise_rules(("resolution_time", "department:*", "10h"))
OPENED = event("ticket.opened", "T-1", 0, {"department": "stores"})


class KeptFlushes(PartitionStore):
    """Holds what would be stored, and gives it back."""

    def __init__(self) -> None:
        super().__init__("unused:0", 0, 1)
        self.flushes: list[Flush] = []

    async def fence(self) -> None:
        """Nobody else writes."""

    async def close(self) -> None:
        """Nothing is open."""

    async def read_changelog(self) -> Tail:
        tail = Tail()
        for record in (record for flush in self.flushes for record in flush.changelog):
            tail.append(record)
        return tail

    async def store(self, flush: Flush) -> None:
        self.flushes.append(flush)


class Clock:
    """Minutes after START, as both clocks of a worker."""

    def __init__(self) -> None:
        self.minutes = 0.0

    def __call__(self) -> float:
        return (START + timedelta(minutes=self.minutes)).timestamp()


async def started(store: KeptFlushes, clock: Clock, rules: RuleHistory = RULES) -> PartitionWorker:
    policy = FlushPolicy(calm=Pace(interval=0.2, max_events=100))
    worker = PartitionWorker(0, rules, store, policy, clock=clock, wall_clock=clock)
    await worker.start()
    worker.ready = True
    return worker


def read(
    worker: PartitionWorker,
    events: Sequence[dict[str, Any]] = (OPENED,),
    ends: Sequence[int] = (0,) * len(INPUTS),
) -> None:
    log = Log()
    log.append(events)
    for place, records in enumerate(log.records):
        if records:
            worker.take(place, records)
    worker.process(ends)


def misses(store: KeptFlushes) -> list[int]:
    place = INDICATOR_IDS.index("sla_attainment")
    batches = [batch for flush in store.flushes for batch in flush.measurements]
    return [row.sign for batch in batches for row in batch.rows if row.indicator == place]


async def test_a_file_that_cannot_be_made_is_the_error_of_the_start(tmp_path: Path) -> None:
    files = ScratchFiles(tmp_path / "none")
    worker = PartitionWorker(0, RULES, KeptFlushes(), FlushPolicy(), scratch_files=files)
    with pytest.raises(ScratchFolderError):
        await worker.start()


async def test_a_deadline_that_passes_in_silence_is_flushed() -> None:
    store, clock = KeptFlushes(), Clock()
    worker = await started(store, clock)
    read(worker)
    await worker.flush_all(caught_up=True)
    for minutes, due in ((9, True), (9.1, False), (10, False), (10.1, True)):
        clock.minutes = minutes
        worker.pass_time(caught_up=True)
        assert worker.is_due() is due, minutes
        await worker.flush_all(caught_up=True)
    assert misses(store) == [1]


async def test_while_records_wait_to_be_read_the_clock_tells_nothing() -> None:
    store, clock = KeptFlushes(), Clock()
    worker = await started(store, clock)
    read(worker)
    await worker.flush_all(caught_up=False)
    clock.minutes = 11
    worker.pass_time(caught_up=False)
    assert not worker.is_due()
    assert worker.wait(0.5) == pytest.approx(0.5)
    worker.pass_time(caught_up=True)
    assert worker.is_due()


async def test_a_quiet_night_does_not_stop_deadlines_nor_does_a_restart_forget_them() -> None:
    store, clock = KeptFlushes(), Clock()
    worker = await started(store, clock)
    read(worker)
    await worker.flush_all(caught_up=True)
    clock.minutes = 9
    worker.pass_time(caught_up=True)
    await worker.flush_all(caught_up=True)
    worker = await started(store, clock)
    clock.minutes = 20
    worker.pass_time(caught_up=True)
    await worker.flush_all(caught_up=True)
    assert misses(store) == [1]


@pytest.mark.parametrize(("waiting", "seconds"), [(100, 0.2), (101, 0.5)])
async def test_a_worker_that_is_far_behind_waits_for_a_large_flush(
    waiting: int, seconds: float
) -> None:
    worker = await started(KeptFlushes(), Clock())
    read(worker)
    await worker.flush_all(caught_up=False)
    assert worker.wait(9) == 9
    log = Log()
    log.append([OPENED, event("ticket.closed", "T-1", 1)])
    worker.take(0, log.records[0][1:])
    worker.process([2 + waiting, 0, 0])
    assert worker.wait(9) == pytest.approx(seconds)


class SlowFlushes(KeptFlushes):
    """A broker at which a transaction takes a while."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds

    async def store(self, flush: Flush) -> None:
        self._clock.minutes += self._seconds / 60
        await super().store(flush)


async def test_a_worker_whose_flushes_take_long_flushes_less_often() -> None:
    clock = Clock()
    worker = await started(SlowFlushes(clock, seconds=0.15), clock)
    log = Log()
    log.append([event("ticket.opened", f"T-{number}", 0) for number in range(20)])
    for record in log.records[0]:
        worker.take(0, [record])
        worker.process((0,) * len(INPUTS))
        waits_s = worker.wait(9)
        await worker.flush_all(caught_up=False)
    assert waits_s == pytest.approx(0.3 - 0.15, rel=0.05)


async def pass_minutes(worker: PartitionWorker, clock: Clock, until: int) -> None:
    while clock.minutes < until:
        clock.minutes += 1
        worker.pass_time(caught_up=True)
        if worker.is_due():
            await worker.flush_all(caught_up=True)


async def test_a_restart_in_a_long_silence_does_not_stop_the_clock() -> None:
    store, clock = KeptFlushes(), Clock()
    worker = await started(store, clock, OVERNIGHT)
    read(worker)
    await pass_minutes(worker, clock, 90)
    stored = len(store.flushes)
    assert stored < 90 / 4
    worker = await started(store, clock, OVERNIGHT)
    await pass_minutes(worker, clock, 11 * 60)
    assert misses(store) == [1]


async def test_a_worker_that_lets_go_does_not_settle_every_deadline_of_a_long_standstill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_module, "MOST_DEADLINES", 1)
    store, clock = KeptFlushes(), Clock()
    worker = await started(store, clock)
    tickets = [event("ticket.opened", f"T-{n}", n, {"department": "stores"}) for n in range(5)]
    read(worker, tickets)
    await worker.flush_all(caught_up=True)
    clock.minutes = 18
    worker.pass_time(caught_up=True)
    await worker.flush_all(caught_up=True)
    assert len(store.flushes) == 2
    worker = await started(store, clock)
    worker.pass_time(caught_up=True)
    while worker.is_due():
        await worker.flush_all(caught_up=True)
        clock.minutes += 1
    assert misses(store) == [1] * 5


async def test_a_topic_of_which_everything_has_expired_holds_up_nobody() -> None:
    store, clock = KeptFlushes(), Clock()
    worker = await started(store, clock)
    worker.skip_to([0] * len(INPUTS))
    assert worker.positions == [0] * len(INPUTS)
    worker.skip_to([0, 500, 0])
    assert worker.positions == [0, 500, 0]
    read(worker, ends=[1, 500, 0])
    assert worker.is_due()
    await worker.flush_all(caught_up=True)
    assert (await started(store, clock)).positions == [1, 500, 0]
