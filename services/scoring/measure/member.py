"""The measuring process: a member of the consumer group, with a worker per input partition.

aiokafka hands out records while an assignment is still under way, so a record is taken only by a
worker that has restored its state and sought to its own positions; any other record will come
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError

from services.scoring.core.engine import Record
from services.scoring.core.rules import RuleHistory
from services.scoring.measure import metrics
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.store import PartitionStore
from services.scoring.measure.worker import PartitionWorker
from shared.contracts.topics import INPUTS
from shared.runtime.kafka import Progress, make_consumer

log = structlog.get_logger("measure")

GROUP: Final = "scoring-measure"
TOPIC_PLACES: Final[Mapping[str, int]] = {topic.name: place for place, topic in enumerate(INPUTS)}
IDLE_SECONDS: Final = 0.5
MAX_RECORDS: Final = 5000
RETRY_SECONDS: Final = 1.0
STUCK_SECONDS: Final = 60.0


class AssignmentError(RuntimeError):
    """The input topics were not assigned partition by partition."""


class Measure(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no type for it
    """Owns the workers of the partitions that this process was assigned."""

    def __init__(
        self, bootstrap: str, partitions: int, rules: RuleHistory, policy: FlushPolicy
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._rules = rules
        self._policy = policy
        self._workers: dict[int, PartitionWorker] = {}
        self._starts: dict[int, asyncio.Task[None]] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._joined = False
        self.progress = Progress(STUCK_SECONDS)

    async def check_ready(self) -> None:
        """Readiness: in the group, and every assigned partition restored."""
        waiting = [p for p, worker in self._workers.items() if not worker.ready]
        if not self._joined or waiting:
            raise RuntimeError(f"restoring partitions {waiting}" if waiting else "not assigned yet")

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set; an unexpected error ends the process, whose successor
        finds everything in the changelog."""
        consumer = make_consumer(
            bootstrap=self._bootstrap,
            group_id=GROUP,
            partition_assignment_strategy=[RangePartitionAssignor],
            fetch_max_wait_ms=100,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
        )
        self._consumer = consumer
        consumer.subscribe(list(TOPIC_PLACES), listener=self)
        await consumer.start()
        try:
            while not stopping.is_set():
                await self._step(consumer)
            await self._flush(list(self._workers.values()))
        finally:
            await self._drop_all()
            await consumer.stop()

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        wait = min((w.wait(IDLE_SECONDS) for w in self._working()), default=IDLE_SECONDS)
        batches = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=MAX_RECORDS)
        for partition, messages in batches.items():
            worker = self._workers.get(partition.partition)
            if worker is not None and worker.ready:
                worker.process(TOPIC_PLACES[partition.topic], _records(messages))
        for worker in self._working():
            worker.pass_time(caught_up=self._caught_up(worker))
        await self._flush([worker for worker in self._working() if worker.is_due()])
        self._raise_failed_starts()
        self._watch(consumer, bool(batches))

    def _working(self) -> list[PartitionWorker]:
        return [worker for worker in self._workers.values() if worker.ready]

    async def _flush(self, due: Sequence[PartitionWorker]) -> None:
        results = await asyncio.gather(
            *(w.flush(caught_up=self._caught_up(w)) for w in due), return_exceptions=True
        )
        for worker, result in zip(due, results, strict=True):
            if isinstance(result, KafkaError | TimeoutError):
                self._restart(worker, result)
            elif isinstance(result, BaseException):
                raise result

    def _caught_up(self, worker: PartitionWorker) -> bool:
        return self._knows_ends(worker) and self._lag(worker) == 0

    def _knows_ends(self, worker: PartitionWorker) -> bool:
        """Whether each topic was fetched from since the partition came here."""
        assert self._consumer is not None
        ends = [self._consumer.highwater(topic) for topic in _inputs(worker.partition)]
        return None not in ends

    def _lag(self, worker: PartitionWorker) -> int:
        assert self._consumer is not None
        lag = 0
        for topic, position in zip(INPUTS, worker.positions, strict=True):
            end = self._consumer.highwater(TopicPartition(topic.name, worker.partition))
            lag += max(0, (end or 0) - position)
        return lag

    def _watch(self, consumer: AIOKafkaConsumer, moved: bool) -> None:
        lags = {worker.partition: self._lag(worker) for worker in self._working()}
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
            worker = PartitionWorker(partition, self._rules, store, self._policy)
            self._workers[partition] = worker
            self._begin(worker)
        self._joined = True
        log.info("assigned", partitions=sorted(partitions))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Hand over: what was read is stored before the next owner begins."""
        del revoked  # the eager protocol takes back everything
        await self._flush(self._working())
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
                await worker.start()
                break
            except (KafkaError, TimeoutError) as error:
                log.warning("restore_failed", partition=worker.partition, error=repr(error))
                await worker.stop()
                await asyncio.sleep(RETRY_SECONDS)
        self._release(worker)

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


def _records(messages: Iterable[Any]) -> Iterable[Record]:
    return (Record(m.offset, m.timestamp, m.key, m.value) for m in messages)


def _inputs(partition: int) -> list[TopicPartition]:
    return [TopicPartition(topic.name, partition) for topic in INPUTS]


def _co_partitioned(assigned: Iterable[TopicPartition]) -> set[int]:
    given = set(assigned)
    partitions = {tp.partition for tp in given}
    if given != {tp for partition in partitions for tp in _inputs(partition)}:
        raise AssignmentError(
            f"a partition of {', '.join(TOPIC_PLACES)} must go to one worker as a whole; "
            f"assigned: {sorted(given)}"
        )
    return partitions
