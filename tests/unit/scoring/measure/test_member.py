"""A member of the group lets go of its partitions, whatever becomes of its last flushes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from services.scoring.core.engine import Flush
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.member import STEP_SECONDS, Measure
from services.scoring.measure.worker import PartitionWorker
from tests.unit.scoring.engine_events import event
from tests.unit.scoring.test_measure_worker import OPENED, RULES, Clock, KeptFlushes, read, started


class Panic(BaseException):
    """What PyO3 makes of a panic is no Exception."""


class Refusing(KeptFlushes):
    """Raises what no broker does."""

    closed = False
    error: type[BaseException] = ZeroDivisionError

    async def store(self, flush: Flush) -> None:
        raise self.error

    async def close(self) -> None:
        self.closed = True


class Consumer:
    """Says where topics end."""

    def highwater(self, _: object) -> int:
        return 0


class Member(Measure):
    """In the group, with one worker."""

    def __init__(self, worker: PartitionWorker) -> None:
        super().__init__("unused:0", 1, RULES, FlushPolicy())
        self._workers = {worker.partition: worker}
        self._consumer = cast(Any, Consumer())
        self._joined = True

    @property
    def partitions(self) -> list[int]:
        return list(self._workers)


async def test_a_worker_whose_last_flush_fails_is_let_go_all_the_same() -> None:
    store = Refusing()
    worker = await started(store, Clock())
    read(worker)
    member = Member(worker)
    with pytest.raises(ZeroDivisionError):
        await member.on_partitions_revoked([])
    assert member.partitions == []
    assert store.closed


async def test_a_panic_at_the_handing_over_is_an_error_that_aiokafka_survives() -> None:
    store = Refusing()
    store.error = Panic
    worker = await started(store, Clock())
    read(worker)
    member = Member(worker)
    with pytest.raises(RuntimeError, match="Panic"):
        await member.on_partitions_revoked([])
    assert member.partitions == []
    assert store.closed


async def test_a_member_says_nothing_of_partitions_that_it_has_let_go() -> None:
    worker = await started(KeptFlushes(), Clock())
    read(worker)
    member = Member(worker)
    await worker.flush_all(caught_up=True)
    assert "bellwether_measure_stream_time_seconds" in gauges_of(worker.partition)
    await member.on_partitions_revoked([])
    assert gauges_of(worker.partition) == set()


class Trickle(Measure):
    """There is always a little to read at once; it stops after ten steps."""

    def __init__(self, stopping: asyncio.Event) -> None:
        super().__init__("unused:0", 1, RULES, FlushPolicy())
        self._stopping = stopping
        self._steps = 0

    async def work(self) -> None:
        await self._step_until(self._stopping, cast(Any, Consumer()))

    async def _step(self, consumer: object) -> None:
        self._steps += 1
        if self._steps == 10:
            self._stopping.set()


async def test_a_member_does_not_turn_for_every_record_of_a_trickle() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await Trickle(asyncio.Event()).work()
    assert loop.time() - began > 8 * STEP_SECONDS  # nine pauses, and a clock of milliseconds


class Waiting(KeptFlushes):
    """A broker that stores a flush when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.stores = asyncio.Event()

    async def store(self, flush: Flush) -> None:
        await self.stores.wait()
        await super().store(flush)


class Sharing(Measure):
    """In the group, with several workers."""

    def __init__(self, workers: Sequence[PartitionWorker], policy: FlushPolicy) -> None:
        super().__init__("unused:0", len(workers), RULES, policy)
        self._workers = dict(enumerate(workers))
        self._consumer = cast(Any, Consumer())

    async def step(self) -> list[bool]:
        """Whether each worker has a flush under way."""
        self._begin_flushes()
        await asyncio.sleep(0)
        self._restart_failed()
        return [worker.storing > 0 for worker in self._workers.values()]


async def test_flushes_that_catch_up_are_stored_few_at_a_time_and_each_partition_has_its_turn() -> (
    None
):
    stores = [Waiting() for _ in range(4)]
    clock = Clock()
    workers = [await started(store, clock) for store in stores]
    member = Sharing(workers, FlushPolicy(most_storing=2))
    for worker in workers:
        read(worker)
    assert await member.step() == [True, True, False, False]
    for store, worker in zip(stores[:2], workers, strict=False):
        store.stores.set()
        read(worker, [OPENED, event("ticket.opened", "T-2", 1)])
    assert await member.step() == [False] * 4
    stores[0].stores.clear()
    clock.minutes += 1
    assert await member.step() == [False, False, True, True]
    stores[2].stores.set()
    assert await member.step() == [False, False, False, True]
    assert await member.step() == [True, False, False, True]
    for store in stores:
        store.stores.set()
    await member.on_partitions_revoked([])
    assert [len(store.flushes) for store in stores] == [2, 2, 1, 1]


@pytest.mark.parametrize(
    ("seconds", "waiting", "joins"),
    [(0.15, 0, True), (0.05, 0, False), (0.3, 1_000, False)],
    ids=["half of its interval is over", "it is not", "it is behind"],
)
async def test_a_partition_flushes_with_another_one_that_is_due(
    seconds: float, waiting: int, joins: bool
) -> None:
    stores = [KeptFlushes() for _ in range(2)]
    clock = Clock()
    workers = [await started(store, clock) for store in stores]
    member = Sharing(workers, FlushPolicy())
    read(workers[0])
    await member.step()
    clock.minutes += seconds / 60
    read(workers[0], [OPENED, event("ticket.opened", "T-2", 1)], (waiting, 0, 0))
    await member.step()
    assert len(stores[0].flushes) == 1
    read(workers[1])
    await member.step()
    assert [len(store.flushes) for store in stores] == [1 + joins, 1]


def gauges_of(partition: int) -> set[str]:
    metrics = [metric for metric in REGISTRY.collect() if metric.type == "gauge"]
    samples = (sample for metric in metrics for sample in metric.samples)
    label = str(partition)
    return {
        sample.name
        for sample in samples
        if sample.name.startswith("bellwether_measure_") and sample.labels.get("partition") == label
    }
