"""The measuring process: a member of the consumer group, with a worker per input partition.

aiokafka hands out records while an assignment is still under way, so a record is taken only by a
worker that has restored its state and sought to its own positions; any other record will come
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError

from services.scoring.core.rules import RuleHistory
from services.scoring.measure import metrics
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.scratch_files import USUAL, ScratchFiles
from services.scoring.measure.store import PartitionStore
from services.scoring.measure.worker import PartitionWorker
from shared.contracts.topics import INPUTS
from shared.runtime.kafka import ConsumerProgress, Progress, make_consumer
from shared.runtime.memory import give_back_freed

log = structlog.get_logger("measure")

Batches = dict[TopicPartition, list[Any]]
GROUP: Final = "scoring-measure"
TOPIC_PLACES: Final[Mapping[str, int]] = {topic.name: place for place, topic in enumerate(INPUTS)}
IDLE_SECONDS: Final = 0.5
MAX_RECORDS: Final = 5000
FETCH_BYTES: Final = 1024 * 1024
"""Of each topic and partition at once, before it is unpacked: of plain events twice MAX_RECORDS."""
STEP_SECONDS: Final = 0.005
"""Steps begin at least so far apart. A stream that trickles in would otherwise be looked at, and
fetched anew, for every few records, most of which wait for their partition's flush anyway."""
RETRY_SECONDS: Final = 1.0
RESTORES_AT_ONCE: Final = 2
"""One reads while another computes; more would only hold more of the log in memory."""
STUCK_SECONDS: Final = 60.0
SESSION_MS: Final = 10_000
"""A killed process's partitions move on after this."""


class AssignmentError(RuntimeError):
    """The input topics were not assigned partition by partition."""


class Measure(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no type for it
    """Owns the workers of the partitions that this process was assigned.

    With an ``instance`` it is a static member of the group (KIP-345): started again under the same
    name it has its partitions at once, where another would wait until the dead one's session ends.
    """

    def __init__(
        self,
        bootstrap: str,
        partitions: int,
        rules: RuleHistory,
        policy: FlushPolicy,
        *,
        instance: str | None = None,
        session_ms: int = SESSION_MS,
        scratch_files: ScratchFiles = USUAL,
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._rules = rules
        self._policy = policy
        self._instance = instance
        self._session_ms = session_ms
        self._scratch_files = scratch_files
        self._workers: dict[int, PartitionWorker] = {}
        self._starts: dict[int, asyncio.Task[None]] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._restoring = asyncio.Semaphore(RESTORES_AT_ONCE)
        self._joined = False
        self.progress = Progress(STUCK_SECONDS)
        self._reading: ConsumerProgress | None = None

    async def check_ready(self) -> None:
        """Readiness: in the group, and every assigned partition restored."""
        waiting = [p for p, worker in self._workers.items() if not worker.ready]
        if not self._joined or waiting:
            raise RuntimeError(f"restoring partitions {waiting}" if waiting else "not assigned yet")

    async def check_live(self) -> None:
        """Liveness: raises `Stuck` when the loop stands still, or when records wait on the broker
        and none is read, of which the consumer itself may have no sign. A restore has limits of
        its own."""
        if self._starts:
            self.progress.made()
        self.progress.verify()
        if self._reading is not None and not self._starts:
            await self._reading.check()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set; an unexpected error ends the process, whose successor
        finds everything in the changelog."""
        consumer = make_consumer(
            bootstrap=self._bootstrap,
            group_id=GROUP,
            group_instance_id=self._instance,
            partition_assignment_strategy=[RangePartitionAssignor],
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=FETCH_BYTES,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 5,
        )
        self._consumer = consumer
        consumer.subscribe(list(TOPIC_PLACES), listener=self)
        await consumer.start()
        self._reading = ConsumerProgress(consumer, STUCK_SECONDS)
        try:
            await self._step_until(stopping, consumer)
            await self._flush_all()
        finally:
            await self._drop_all()
            await consumer.stop()

    async def _step_until(self, stopping: asyncio.Event, consumer: AIOKafkaConsumer) -> None:
        loop = asyncio.get_running_loop()
        while not stopping.is_set():
            next_turn = loop.time() + STEP_SECONDS
            await self._step(consumer)
            await asyncio.sleep(next_turn - loop.time())

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        wait = min((w.wait(IDLE_SECONDS) for w in self._working()), default=IDLE_SECONDS)
        batches = await self._read(consumer, wait)
        for partition, messages in batches.items():
            worker = self._workers.get(partition.partition)
            if worker is not None and worker.ready:
                worker.take(TOPIC_PLACES[partition.topic], messages)
        lags = {worker.partition: self._work(worker) for worker in self._working()}
        self._begin_flushes()
        self._restart_failed()
        self._raise_failed_starts()
        self._watch(lags, bool(batches))

    def _work(self, worker: PartitionWorker) -> int:
        """Process, and let time pass; how many records wait, as far as is known."""
        ends = self._ends(worker)
        worker.process(ends)
        lag = _lag(worker, ends)
        worker.pass_time(caught_up=lag == 0 and None not in ends)
        return lag

    def _begin_flushes(self) -> None:
        """Those that are due, as far as there is room, and with them those that soon will be:
        every commit wakes all who read its topics, and they hear of several at once. Who flushed
        longest ago comes first."""
        working = self._working()
        if not any(worker.is_due() for worker in working):
            return
        storing = sum(worker.storing for worker in working)
        for worker in sorted(working, key=attrgetter("last_flush")):
            if storing >= self._policy.most_storing:
                break
            if worker.is_due() or worker.may_join():
                worker.begin_flush(caught_up=self._caught_up(worker))
                storing += worker.storing

    async def _read(self, consumer: AIOKafkaConsumer, wait: float) -> Batches:
        """What came within ``wait`` seconds from the partitions that are wanted next."""
        working = self._working()
        wanted = [_input(topic, w.partition) for w in working for topic in w.wanted()]
        if working and not wanted:
            await asyncio.sleep(wait)
            return {}
        batches: Batches = await consumer.getmany(
            *wanted, timeout_ms=int(wait * 1000), max_records=MAX_RECORDS
        )
        return batches

    def _working(self) -> list[PartitionWorker]:
        return [worker for worker in self._workers.values() if worker.ready]

    def _restart_failed(self) -> None:
        for worker in self._working():
            self._judge(worker, worker.failure())

    async def _flush_all(self) -> None:
        """Store what was read, while the reading loop keeps its hands off."""
        working = self._working()
        for worker in working:
            worker.ready = False
        results = await asyncio.gather(
            *(w.flush_all(caught_up=self._caught_up(w)) for w in working), return_exceptions=True
        )
        for worker, result in zip(working, results, strict=True):
            self._judge(worker, result)

    def _judge(self, worker: PartitionWorker, error: BaseException | None) -> None:
        """What the broker refused is done again; any other error ends the process."""
        if isinstance(error, KafkaError | TimeoutError):
            self._restart(worker, error)
        elif error is not None:
            raise error

    def _caught_up(self, worker: PartitionWorker) -> bool:
        """Whether nothing waits, as far as each topic was fetched from since the partition came."""
        ends = self._ends(worker)
        return None not in ends and _lag(worker, ends) == 0

    def _ends(self, worker: PartitionWorker) -> list[int | None]:
        """Where each input topic ends, as the last fetch said."""
        assert self._consumer is not None
        return [self._consumer.highwater(tp) for tp in _inputs(worker.partition)]

    def _watch(self, lags: Mapping[int, int], moved: bool) -> None:
        for partition, lag in lags.items():
            metrics.LAG.labels(partition).set(lag)
        if moved or (not any(lags.values()) and not self._starts):
            self.progress.made()

    # -- partitions come and go -----------------------------------------------------------------

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Restore in the background; until then the partitions are paused."""
        partitions = _co_partitioned(assigned)
        for partition in partitions:
            store = PartitionStore(self._bootstrap, partition, self._partitions)
            worker = PartitionWorker(
                partition, self._rules, store, self._policy, scratch_files=self._scratch_files
            )
            self._workers[partition] = worker
            self._begin(worker)
        self._joined = True
        log.info("assigned", partitions=sorted(partitions))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Hand over: what was read is stored before the next owner begins. aiokafka only logs what
        is raised here; a worker that stayed would never let the process be ready again."""
        del revoked  # the eager protocol takes back everything
        try:
            await self._flush_all()
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:
            # A panic of the compiled core is no Exception, and aiokafka would lose its coordinator
            # to it in silence. The next owner meets it where it ends the process.
            raise RuntimeError(f"the engine has broken down: {error!r}") from error
        finally:
            await self._drop_all()

    def _begin(self, worker: PartitionWorker) -> None:
        assert self._consumer is not None
        self._consumer.pause(*_inputs(worker.partition))
        self._starts[worker.partition] = asyncio.create_task(
            self._start(worker), name=f"restore-{worker.partition}"
        )

    async def _start(self, worker: PartitionWorker) -> None:
        while True:
            try:
                async with self._restoring:
                    await worker.start()
                give_back_freed()
                worker.skip_to(await self._begins(worker.partition))
                break
            except (KafkaError, TimeoutError) as error:
                log.warning("restore_failed", partition=worker.partition, error=repr(error))
                await worker.stop()
                await asyncio.sleep(RETRY_SECONDS)
        self._release(worker)

    async def _begins(self, partition: int) -> list[int]:
        """Where each input topic begins at the broker."""
        assert self._consumer is not None
        inputs = _inputs(partition)
        begins = await self._consumer.beginning_offsets(inputs)
        return [begins[tp] for tp in inputs]

    def _release(self, worker: PartitionWorker) -> None:
        """Seek, and only then work."""
        assert self._consumer is not None
        inputs = _inputs(worker.partition)
        try:
            for partition, position in zip(inputs, worker.positions, strict=True):
                self._consumer.seek(partition, position)
            self._consumer.resume(*inputs)
        except IllegalStateError:
            log.info("lost_while_restoring", partition=worker.partition)
            return
        worker.ready = True
        self._starts.pop(worker.partition, None)

    def _restart(self, worker: PartitionWorker, error: BaseException) -> None:
        """A flush was not stored: the state is void, and what was read will be read again."""
        log.warning("flush_failed", partition=worker.partition, error=repr(error))
        metrics.FLUSH_FAILURES.inc()
        worker.ready = False
        if self._workers.get(worker.partition) is worker:
            self._begin_again(worker)

    def _begin_again(self, worker: PartitionWorker) -> None:
        assert self._consumer is not None
        self._consumer.pause(*_inputs(worker.partition))

        async def anew() -> None:
            await worker.stop()
            await asyncio.sleep(RETRY_SECONDS)
            await self._start(worker)

        self._starts[worker.partition] = asyncio.create_task(
            anew(), name=f"restore-{worker.partition}"
        )

    def _raise_failed_starts(self) -> None:
        for partition, task in list(self._starts.items()):
            if task.done():
                del self._starts[partition]
                task.result()

    async def _drop_all(self) -> None:
        self._joined = False
        starts, self._starts = self._starts, {}
        for task in starts.values():
            task.cancel()
        await asyncio.gather(*starts.values(), return_exceptions=True)
        workers, self._workers = self._workers, {}
        await asyncio.gather(*(worker.stop() for worker in workers.values()))
        for partition in workers:
            metrics.forget(partition)


def _lag(worker: PartitionWorker, ends: Sequence[int | None]) -> int:
    places = zip(ends, worker.positions, strict=True)
    return sum(max(0, (end or 0) - position) for end, position in places)


@cache
def _inputs(partition: int) -> tuple[TopicPartition, ...]:
    return tuple(_input(topic, partition) for topic in range(len(INPUTS)))


@cache
def _input(topic: int, partition: int) -> TopicPartition:
    return TopicPartition(INPUTS[topic].name, partition)


def _co_partitioned(assigned: Iterable[TopicPartition]) -> set[int]:
    given = set(assigned)
    partitions = {tp.partition for tp in given}
    if given != {tp for partition in partitions for tp in _inputs(partition)}:
        raise AssignmentError(
            f"a partition of {', '.join(TOPIC_PLACES)} must go to one worker as a whole; "
            f"assigned: {sorted(given)}"
        )
    return partitions
