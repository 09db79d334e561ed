"""The partitions of panes that this process owns: restore, feed, turn, trim."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from services.scoring import metrics
from services.scoring.core.evaluation import Evaluation
from services.scoring.core.rules import RuleHistory
from services.scoring.windows.emitter import Emitter, Message
from services.scoring.windows.log_watch import LogWatch
from services.scoring.windows.partition import LogRecord, OwnedPartition
from services.scoring.windows.restore import BreachHistory, RestoreError, read_to_end
from services.scoring.windows.score_sender import ScoreSender
from services.scoring.windows.topics import WindowsTopics
from shared.contracts.breaches import Breach, encode_breach
from shared.runtime.kafka import Progress, make_admin, make_consumer

log = structlog.get_logger("windows.owner")

TURN_SECONDS: Final = 0.25
"""Without news the next turn comes after so long."""
GATHER_SECONDS: Final = 0.1
"""Records gather for no longer than that."""
PLENTY_RECORDS: Final = 100
"""So many of a partition need not gather any more."""
RETRY_SECONDS: Final = 1.0
STUCK_SECONDS: Final = 60.0
WATCH_SECONDS: Final = 20.0
TRIM_SECONDS: Final = 180.0
TRIM_RECORDS: Final = 1000


def pause_after(seconds: float) -> float:
    """How long to let records gather after a turn that took so many seconds.

    A turn costs much the same whether few records came or many: where it takes long, because the
    processor is slow or busy, more are let come for the next. When plenty have come nothing waits.
    """
    return min(seconds, GATHER_SECONDS)


class Owner:
    """Owns the evaluations of the assigned partitions.

    Records that arrive before an assignment's restore has ended wait for it; records of a
    partition that is not assigned are passed over, because a later restore reads them.
    """

    def __init__(
        self,
        bootstrap: str,
        partitions: int,
        *,
        rules: RuleHistory,
        breaches: Emitter,
        scores: Emitter,
        now_ms: Callable[[], int],
        topics: WindowsTopics,
    ) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._partitions = partitions
        self._rules = rules
        self._breaches = breaches
        self.scores = ScoreSender(scores, self._restored)
        self._now_ms = now_ms
        self._owned: dict[int, OwnedPartition] = {}
        self._restores: set[asyncio.Task[None]] = set()
        self._sending = asyncio.Lock()
        self._news = asyncio.Event()
        self._plenty = asyncio.Event()
        self._assigned_once = False
        self._turned = Progress(STUCK_SECONDS)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # -- health ---------------------------------------------------------------------------------

    async def check_ready(self) -> None:
        """Readiness: assigned, and every assigned partition restored."""
        waiting = [p for p, owned in self._owned.items() if not owned.ready]
        if not self._assigned_once or waiting:
            raise RuntimeError(f"restoring partitions {waiting}" if waiting else "not assigned yet")

    async def check_progress(self) -> None:
        """Liveness: targets are judged, and score records that are due are sent. A client that is
        stuck by itself is cured by a new start."""
        self._turned.verify()
        self.scores.verify()

    # -- assignment -----------------------------------------------------------------------------

    def assign(self, partitions: Iterable[int]) -> None:
        """Take over partitions: they are restored in the background."""
        new = sorted(set(partitions))
        for partition in new:
            before = self._owned.get(partition)
            self._owned[partition] = self._new_partition(partition, BreachHistory(), fresh=False)
            if before is not None:
                before.let_go()
        self._assigned_once = True
        task = asyncio.create_task(self._guarded(self._restore(new)), name="restore-windows")
        self._restores.add(task)
        task.add_done_callback(self._restores.discard)

    async def revoke_all(self) -> None:
        """Let go of everything; what is being sent is sent first."""
        for task in list(self._restores):
            task.cancel()
        async with self._sending, self.scores.sending:
            released = list(self._owned.values())
            self._owned.clear()
        for owned in released:
            owned.let_go()

    def _new_partition(
        self, partition: int, history: BreachHistory, *, fresh: bool
    ) -> OwnedPartition:
        past = history.of_partition(partition, self._partitions)
        evaluation = Evaluation(self._rules, self._partitions, past, fresh=fresh)
        return OwnedPartition(partition, evaluation, self._now_ms)

    async def _restore(self, partitions: Sequence[int]) -> None:
        while True:
            try:
                await self._try_restore(partitions)
            except (KafkaError, RestoreError, TimeoutError) as error:
                log.warning("restore_failed", partitions=partitions, error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _try_restore(self, partitions: Sequence[int]) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        history = BreachHistory()
        await read_to_end(self._bootstrap, self._topics.breaches.name, None, history.take)
        restored = {p: _Restored(self._new_partition, p, history) for p in partitions}
        ends = await read_to_end(
            self._bootstrap,
            self._topics.panes.name,
            partitions,
            lambda partition, records: restored[partition].take(records),
        )
        for partition, rebuilt in restored.items():
            self._hand_over(rebuilt.partition, ends[partition])
            metrics.RESTORE_SECONDS.labels(partition).set(clock() - started)
        log.info("restored", partitions=list(partitions), seconds=round(clock() - started, 3))

    def _hand_over(self, rebuilt: OwnedPartition, end_offset: int) -> None:
        """Put the rebuilt partition in the place of the one that records wait for."""
        waiting = self._owned.get(rebuilt.partition)
        if waiting is None:
            return
        rebuilt.finish_restore(end_offset)
        self._owned[rebuilt.partition] = rebuilt
        waiting.let_go()

    # -- records --------------------------------------------------------------------------------

    async def take(self, partition: int, records: Sequence[LogRecord]) -> None:
        """Let records of the stream be applied in the next turn; waits while too many do."""
        owned = self._owned.get(partition)
        while owned is not None and not owned.ready:
            await owned.settled.wait()
            owned = self._owned.get(partition)
        if owned is not None:
            owned.put(records)
            self._news.set()
            if owned.waiting >= PLENTY_RECORDS:
                self._plenty.set()
            await owned.room.wait()

    def positions(self) -> dict[int, int]:
        """The next offset of each partition whose log was read."""
        return {p: owned.next_offset for p, owned in self._owned.items() if owned.ready}

    # -- time -----------------------------------------------------------------------------------

    async def turn(self) -> float:
        """Apply what has come, move time in every restored partition, and send what became true;
        how many seconds that took without sending."""
        async with self._sending:
            began = time.monotonic()
            breaches: list[Breach] = []
            for owned in self._restored():
                owned.take_waiting()
                breaches += owned.tick()
                await asyncio.sleep(0)  # a replay makes turns long: let others work
            seconds = time.monotonic() - began
            metrics.TURN_SECONDS.observe(seconds)
            await self._breaches.send([Message(b.key.encode(), encode_breach(b)) for b in breaches])
            self._report(breaches)
        self._turned.made()
        return seconds

    async def keep_time(self) -> None:
        """Turn for ever: when records came, and otherwise now and then, so that windows move
        though nothing comes."""
        while True:
            self._news.clear()
            self._plenty.clear()
            await _wait(self._plenty, pause_after(await self.turn()))
            await _wait(self._news, TURN_SECONDS)

    async def keep_trimmed(self) -> None:
        """Delete from the log, now and then, what no restore needs."""
        trimmed: dict[int, int] = {}
        while True:
            await asyncio.sleep(TRIM_SECONDS)
            needed = {p: owned.cycles.needed_from for p, owned in self._owned.items()}
            due = {p: o for p, o in needed.items() if o - trimmed.get(p, 0) >= TRIM_RECORDS}
            for owned in self._owned.values():
                owned.report()
            if due and await self._trim(due):
                trimmed.update(due)

    async def keep_watch(self) -> None:
        """Raises `Stuck` when records wait in the log and do not come."""
        watch = LogWatch()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            # What was read and waits for a turn is not what this looks for.
            positions = {p: owned.put_offset for p, owned in self._owned.items() if owned.ready}
            try:
                ends = await self._ends(list(positions))
            except (KafkaError, TimeoutError) as error:
                log.warning("log_not_seen", error=repr(error))
                continue
            watch.look(time.monotonic(), positions, ends)

    def _restored(self) -> list[OwnedPartition]:
        return [owned for owned in self._owned.values() if owned.ready]

    def _report(self, breaches: Sequence[Breach]) -> None:
        now = self._now_ms()
        for breach in breaches:
            metrics.BREACHES_SENT.labels(breach.transition).inc()
            if breach.received_ms:
                metrics.EVENT_TO_BREACH.observe(max(0, now - breach.received_ms) / 1000)
            log.info(
                breach.transition,
                target=breach.target,
                scope=breach.scope,
                window=breach.window,
                value=breach.value,
                n=breach.n,
            )

    async def _ends(self, partitions: Sequence[int]) -> dict[int, int]:
        consumer = make_consumer(bootstrap=self._bootstrap, group_id=None)
        try:
            await consumer.start()
            ends = await consumer.end_offsets([self._log_of(p) for p in partitions])
            return {partition.partition: end for partition, end in ends.items()}
        finally:
            await consumer.stop()

    def _log_of(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topics.panes.name, partition)

    async def _trim(self, offsets: Mapping[int, int]) -> bool:
        admin = make_admin(self._bootstrap)
        try:
            await admin.start()
            await admin.delete_records(
                {
                    TopicPartition(self._topics.panes.name, p): RecordsToDelete(
                        before_offset=offset
                    )
                    for p, offset in offsets.items()
                }
            )
        except KafkaError as error:
            # Nothing depends on it: a longer log only restores more slowly.
            log.warning("panes_not_trimmed", error=repr(error))
            return False
        finally:
            await admin.close()
        log.info("panes_trimmed", offsets={str(p): offset for p, offset in offsets.items()})
        return True

    async def _guarded(self, work: Awaitable[None]) -> None:
        """An unexpected error ends the process, whose successor finds everything in the log."""
        try:
            await work
        except Exception as error:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Make the process end with this error."""
        if not self.failure.done():
            self.failure.set_exception(error)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until it is set, but no longer than so."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class _Restored:
    """A partition while it is rebuilt: whether the log held anything decides how it begins."""

    def __init__(
        self, make: Callable[..., OwnedPartition], partition: int, history: BreachHistory
    ) -> None:
        self._make = make
        self._number = partition
        self._history = history
        self._partition: OwnedPartition | None = None

    def take(self, records: Sequence[Any]) -> None:
        if self._partition is None:
            self._partition = self._make(self._number, self._history, fresh=False)
        self._partition.take(records)

    @property
    def partition(self) -> OwnedPartition:
        """The rebuilt one; fresh when the log was empty."""
        return self._partition or self._make(self._number, self._history, fresh=True)
