"""The windows role on a real broker: committed panes only, restarts, kills, a trimmed log."""

from __future__ import annotations

import asyncio
import random
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from faust.types import TP

from services.scoring.windows import app
from services.scoring.windows import partition as partition_module
from services.scoring.windows.runner import evaluate
from services.scoring.windows.topics import WindowsTopics
from services.scoring.windows.transport import ReadCommittedConsumer
from shared.contracts.breaches import Breach, decode_breach
from shared.contracts.figures import Figure, ScoreRecord, decode_score
from shared.contracts.panes import Cell, PaneRecord, Watermark, encode_pane_record
from shared.contracts.topics import partition_of
from shared.runtime.kafka import ensure_topics, make_admin, make_consumer, make_producer
from tests.integration.scoring.windows_process import settings_of, topics_of
from tests.unit.scoring.windows.pane_stream import Fact, cells_touched, update

pytestmark = pytest.mark.integration

PARTITIONS = 2
PROCESS = Path(__file__).with_name("windows_process.py")
UTC = ZoneInfo("UTC")
GROUP = "department:d"
DEADLINE = 60.0

RULES = """\
format: bellwether-rules/v1
version: v1
valid_from: "2020-01-01T00:00:00Z"
name: {en: Test, zh: 测试}
zone: UTC
targets:
  - id: happy
    name: {en: Happy, zh: 满意}
    indicator: csat
    measure: ratio
    at_least: 0.8
    window: 24h
    applies_to: ["department:*"]
    minimum_sample: 5
"""


class Broker:
    """Topics of one test, a source of panes, and what the role made of them."""

    def __init__(self, bootstrap: str, rules: Path) -> None:
        self.bootstrap = bootstrap
        self.rules = rules
        self.suffix = secrets.token_hex(4)
        self.topics: WindowsTopics = topics_of(self.suffix)
        self.settings = settings_of(bootstrap, PARTITIONS, rules)
        self.facts: list[Fact] = []
        self.revision = 0
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        await ensure_topics(self.bootstrap, self.topics, PARTITIONS, 1)
        self._producer = make_producer(self.bootstrap, transactional_id=f"source-{self.suffix}")
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(
        self, fresh: Sequence[Fact], *, commit: bool = True, cycle: int = 0, whole: bool = False
    ) -> None:
        """One flush of source 0 in a transaction: fresh facts, and perhaps a whole slice."""
        assert self._producer is not None
        self.revision += 1
        cells = cells_touched(self.facts, fresh, UTC)
        everything = cells_touched([], [*self.facts, *fresh], UTC) if whole else []
        await self._producer.begin_transaction()
        await self._produce(self._records(cells, cycle, everything))
        if commit:
            await self._producer.commit_transaction()
            self.facts += fresh
        else:
            await self._producer.abort_transaction()

    async def send_marks(self, count: int) -> None:
        """So many watermarks for each partition, in one transaction."""
        assert self._producer is not None
        mark = Watermark(0, self.revision, now_ms(), True, now_ms())
        await self._producer.begin_transaction()
        await self._produce([(p, mark) for p in range(PARTITIONS) for _ in range(count)])
        await self._producer.commit_transaction()

    async def mark(self) -> None:
        """Send figures of another department, and wait until they are told: by then everything
        before them has been judged."""
        assert self._producer is not None
        cells = [
            cell._replace(leaf=("marker", *cell.leaf[1:]))
            for cell in cells_touched([], answers(1, 0), UTC)
        ]
        marker = update(0, cells, watermark_ms=now_ms(), caught_up=True, department="marker")
        await self._producer.begin_transaction()
        await self._produce([(partition_of(GROUP, PARTITIONS), marker)])
        await self._producer.commit_transaction()
        async with self._reading(self.topics.scores.name) as values:
            async with asyncio.timeout(DEADLINE):
                async for value in values:
                    if "marker" in decode_score(value).scope:
                        return

    def _records(
        self, cells: list[Cell], cycle: int, slice_cells: list[Cell]
    ) -> Iterable[tuple[int, PaneRecord]]:
        now = now_ms()
        yield (
            partition_of(GROUP, PARTITIONS),
            update(
                0,
                cells,
                revision=self.revision,
                watermark_ms=now,
                caught_up=True,
                received_ms=now,
                cycle=cycle,
                slice_cells=slice_cells,
            ),
        )
        for partition in range(PARTITIONS):
            yield partition, Watermark(0, self.revision, now, True, now)

    async def _produce(self, records: Iterable[tuple[int, PaneRecord]]) -> None:
        assert self._producer is not None
        sent = [
            await self._producer.send(
                self.topics.panes.name, encode_pane_record(record), partition=partition
            )
            for partition, record in records
        ]
        await asyncio.gather(*sent)

    @asynccontextmanager
    async def role(self) -> AsyncIterator[None]:
        """The role in this process, stopped in the orderly way."""
        stopping = asyncio.Event()
        work = evaluate(self.settings, stopping, self.topics, f"windows-{self.suffix}")
        task = asyncio.create_task(work)
        try:
            yield
        finally:
            stopping.set()
            await task

    def process(self) -> subprocess.Popen[bytes]:
        """The role in a process of its own."""
        return subprocess.Popen(
            [
                sys.executable,
                str(PROCESS),
                self.bootstrap,
                str(PARTITIONS),
                str(self.rules),
                self.suffix,
            ]
        )

    async def csat_until(self, n: int, good: int) -> None:
        """Wait until the 24-hour figure of the department holds exactly this."""
        async with self._reading(self.topics.scores.name) as values:
            async with asyncio.timeout(DEADLINE):
                async for value in values:
                    figure = csat_of(decode_score(value))
                    if figure is not None and (figure.n, figure.good) == (n, good):
                        return

    async def csat_history(self) -> list[int]:
        """Every n that was ever told for the department in the last 24 hours."""
        values = await self._all(self.topics.scores.name)
        figures = [csat_of(decode_score(value)) for value in values]
        return [figure.n for figure in figures if figure is not None]

    async def transitions_until(self, count: int) -> list[Breach]:
        """Wait for so many transitions."""
        found: list[Breach] = []
        async with self._reading(self.topics.breaches.name) as values:
            async with asyncio.timeout(DEADLINE):
                async for value in values:
                    found.append(decode_breach(value))
                    if len(found) == count:
                        return found
        raise AssertionError("reading never ends by itself")

    async def transitions(self) -> list[Breach]:
        """All transitions so far."""
        return [decode_breach(value) for value in await self._all(self.topics.breaches.name)]

    async def trim_before(self, whole_revision_offset: int) -> None:
        """Delete the beginning of the log, as the role itself does now and then."""
        admin = make_admin(self.bootstrap)
        await admin.start()
        partition = TopicPartition(self.topics.panes.name, partition_of(GROUP, PARTITIONS))
        await admin.delete_records({partition: RecordsToDelete(whole_revision_offset)})
        await admin.close()

    async def end_of_panes(self) -> int:
        consumer = make_consumer(bootstrap=self.bootstrap, group_id=None)
        await consumer.start()
        partition = TopicPartition(self.topics.panes.name, partition_of(GROUP, PARTITIONS))
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.stop()
        return int(end)

    @asynccontextmanager
    async def _reading(self, topic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        consumer = make_consumer(topic, bootstrap=self.bootstrap, group_id=None)
        await consumer.start()

        async def values() -> AsyncIterator[bytes]:
            async for message in consumer:
                yield message.value

        try:
            yield values()
        finally:
            await consumer.stop()

    async def _all(self, topic: str) -> list[bytes]:
        consumer = make_consumer(topic, bootstrap=self.bootstrap, group_id=None)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(consumer.assignment()))
            values: list[bytes] = []
            while len(values) < sum(ends.values()):
                for messages in (await consumer.getmany(timeout_ms=200)).values():
                    values += [message.value for message in messages]
            return values
        finally:
            await consumer.stop()


def csat_of(record: ScoreRecord) -> Figure | None:
    if (record.scope, record.window) != ("department:d", "24h"):
        return None
    return next((f for f in record.figures if f.indicator == "csat"), None)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def answers(good: int, bad: int) -> list[Fact]:
    at = now_ms() - 1_000
    return [Fact(0, at, "csat", 1, int(n < good), "ann") for n in range(good + bad)]


@pytest.fixture
async def broker(kafka: str, tmp_path: Path) -> AsyncIterator[Broker]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    broker = Broker(kafka, rules)
    await broker.start()
    yield broker
    await broker.stop()


async def test_committed_panes_become_figures_and_aborted_ones_never_do(broker: Broker) -> None:
    async with broker.role():
        await broker.send(answers(9, 1))
        await broker.csat_until(10, 9)
        await broker.send(answers(0, 90), commit=False)
        await broker.mark()
        await broker.send(answers(5, 0))
        await broker.csat_until(15, 14)
    assert set(await broker.csat_history()) == {10, 15}
    assert await broker.transitions() == []


async def test_a_breach_is_told_once_over_a_restart_and_cleared_by_its_id(broker: Broker) -> None:
    async with broker.role():
        await broker.send(answers(1, 29))
        await broker.transitions_until(1)
    async with broker.role():
        await broker.send(answers(0, 10))
        await broker.csat_until(40, 1)
        await broker.send(answers(400, 0))
        began, ended = await broker.transitions_until(2)
        await broker.csat_until(440, 401)
    assert (began.transition, began.n, ended.transition, ended.n) == (
        "breached",
        30,
        "cleared",
        440,
    )
    assert ended.id == began.id
    assert len(await broker.transitions()) == 2


async def test_what_comes_while_the_windows_are_rebuilt_is_counted_once(broker: Broker) -> None:
    for _ in range(150):
        await broker.send(answers(1, 0))
    async with broker.role():
        for _ in range(50):
            await broker.send(answers(1, 0))
        await broker.csat_until(200, 200)


async def test_more_records_than_wait_at_most_come_all_the_same(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "BATCH", 5)
    monkeypatch.setattr(app, "BATCHES", 2)
    monkeypatch.setattr(partition_module, "MOST_WAITING", 5)
    full: list[TP] = []
    stop_fetching = ReadCommittedConsumer.on_buffer_full

    def note(consumer: ReadCommittedConsumer, tp: TP) -> None:
        full.append(tp)
        stop_fetching(consumer, tp)

    monkeypatch.setattr(ReadCommittedConsumer, "on_buffer_full", note)
    async with broker.role():
        await broker.send(answers(1, 0))
        await broker.csat_until(1, 1)
        for _ in range(10):
            await broker.send_marks(30)
            await broker.send(answers(1, 0))
        await broker.csat_until(11, 11)
    assert {tp.partition for tp in full} == set(range(PARTITIONS))


async def test_kills_at_any_moment_leave_the_same_figures_and_no_breach_twice(
    broker: Broker,
) -> None:
    moments = random.Random(5)
    sent = 0
    for _ in range(3):
        process = broker.process()
        try:
            deadline = time.monotonic() + moments.uniform(3, 7)
            while time.monotonic() < deadline:
                await broker.send(answers(0, 2))
                sent += 2
                await asyncio.sleep(0.05)
        finally:
            process.kill()
            process.wait()
    async with broker.role():
        await broker.csat_until(sent, 0)
        (breach,) = await broker.transitions_until(1)
    assert breach.transition == "breached"
    assert len(await broker.transitions()) == 1


async def test_a_log_whose_beginning_was_deleted_gives_the_same_figures(broker: Broker) -> None:
    for _ in range(20):
        await broker.send(answers(1, 0), cycle=1)
    before_the_slice = await broker.end_of_panes()
    await broker.send(answers(1, 0), cycle=2, whole=True)
    await broker.trim_before(before_the_slice)
    async with broker.role():
        await broker.csat_until(21, 21)
        await broker.send(answers(0, 1), cycle=3)
        await broker.csat_until(22, 21)


async def test_when_one_of_two_workers_dies_the_other_takes_over(broker: Broker) -> None:
    process = broker.process()
    try:
        await broker.send(answers(3, 0))
        await broker.csat_until(3, 3)
        async with broker.role():
            await broker.send(answers(0, 1))
            await broker.csat_until(4, 3)
            process.kill()
            await broker.send(answers(0, 6))
            await broker.csat_until(10, 3)
            (breach,) = await broker.transitions_until(1)
    finally:
        process.kill()
        process.wait()
    assert breach.n == 10
    assert len(await broker.transitions()) == 1
