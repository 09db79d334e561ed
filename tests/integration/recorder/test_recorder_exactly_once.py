"""The recorder on a real Kafka and Postgres: each measurement in the table once, come what may."""

import asyncio
import dataclasses
import random
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.measurements import (
    Measurement,
    MeasurementBatch,
    Measurements,
    encode_measurements,
)
from shared.contracts.topics import MEASUREMENTS
from shared.runtime.kafka import ensure_topics, make_producer

pytestmark = pytest.mark.integration

PARTITIONS = 3
PROCESS = Path(__file__).with_name("recorder_process.py")
DAY_MS = 86_400_000
START_MS = 1_456_920_000_000


def measurement(number: int, **changes: object) -> Measurement:
    plain = Measurement(
        ticket=f"T-{number}",
        indicator=number % 8,
        sequence=0,
        sign=1,
        time_ms=START_MS + (number % 5) * DAY_MS,
        value=number,
        good=1,
        department="d",
        team="t",
        employee="e",
        channel="c",
        category="k",
        event=number,
        rule_version="1",
    )
    return Measurement(**{**dataclass_fields(plain), **changes})  # type: ignore[arg-type]  # fields by name


def dataclass_fields(value: Measurement) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def batch(source: int, revision: int, numbers: range) -> bytes:
    rows = Measurements.of(measurement(number) for number in numbers)
    return encode_measurements(MeasurementBatch(source, revision, 0, rows))


@pytest.fixture
async def topic(kafka: str) -> str:
    name = f"measurements-{secrets.token_hex(4)}"
    await ensure_topics(kafka, [dataclasses.replace(MEASUREMENTS, name=name)], PARTITIONS, 1)
    return name


@asynccontextmanager
async def producer(kafka: str, name: str) -> AsyncIterator[AIOKafkaProducer]:
    sender = make_producer(kafka, transactional_id=name)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


@contextmanager
def recorder(kafka: str, dsn: str, topic: str) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [str(PROCESS), kafka, dsn, topic, str(PARTITIONS)]
    process = subprocess.Popen([sys.executable, *arguments])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def stored(dsn: str) -> tuple[int, int, int]:
    """Rows, different rows, and the sum of their values; zeros while there is no table."""
    async with connected(dsn) as connection:
        if await connection.fetchval("SELECT to_regclass('scoring.measurements')") is None:
            return (0, 0, 0)
        row = await connection.fetchrow(
            "SELECT count(*), count(DISTINCT event), coalesce(sum(value), 0)::bigint"
            " FROM scoring.measurements"
        )
    assert row is not None
    return (row[0], row[1], row[2])


async def until_stored(dsn: str, count: int) -> None:
    async with asyncio.timeout(180):
        while (await stored(dsn))[0] < count:  # noqa: ASYNC110 - another process stores them
            await asyncio.sleep(0.2)


async def send_all(kafka: str, topic: str, batches: int, size: int, seed: int) -> int:
    """Committed batches mixed with aborted ones. Returns how many rows were committed."""
    chance = random.Random(seed)
    async with producer(kafka, f"{topic}-sender") as sender:
        for number in range(batches):
            await sender.begin_transaction()
            rows = range(number * size, (number + 1) * size)
            await (await sender.send(topic, batch(number % 3, number, rows), partition=number % 3))
            if chance.random() < 0.1:
                await sender.abort_transaction()
                await sender.begin_transaction()
                again = batch(number % 3, number, rows)
                await (await sender.send(topic, again, partition=number % 3))
            await sender.commit_transaction()
    return batches * size


async def kill_now_and_then(kafka: str, dsn: str, topic: str, kills: int, seed: int) -> None:
    """Two recorders side by side; one of them dies at random moments and is started anew."""
    chance = random.Random(seed)
    with recorder(kafka, dsn, topic):
        for _ in range(kills):
            with recorder(kafka, dsn, topic):
                await asyncio.sleep(chance.uniform(1.5, 4))


async def test_kills_at_random_moments_leave_nothing_missing_or_twice(
    kafka: str, database: str, topic: str
) -> None:
    sending = asyncio.create_task(send_all(kafka, topic, batches=400, size=250, seed=1))
    await kill_now_and_then(kafka, database, topic, kills=5, seed=2)
    total = await sending
    with recorder(kafka, database, topic):
        await until_stored(database, total)
        await asyncio.sleep(1.5)  # time for anything that would come twice
    assert await stored(database) == (total, total, total * (total - 1) // 2)


async def test_an_outage_of_the_database_loses_nothing(
    kafka: str, database: str, postgres: str, topic: str
) -> None:
    name = database.rsplit("/", 1)[1]
    with recorder(kafka, database, topic):
        sending = asyncio.create_task(send_all(kafka, topic, batches=120, size=100, seed=3))
        async with connected(postgres) as server:
            for _ in range(4):
                await asyncio.sleep(0.7)
                await server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
                await server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
                    name,
                )
                await asyncio.sleep(0.7)
                await server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        total = await sending
        await until_stored(database, total)
    assert await stored(database) == (total, total, total * (total - 1) // 2)


async def test_a_batch_that_was_produced_twice_is_stored_once(
    kafka: str, database: str, topic: str
) -> None:
    async with producer(kafka, f"{topic}-twice") as sender, sender.transaction():
        for partition in (0, 1, 1):
            await (await sender.send(topic, batch(0, 7, range(10)), partition=partition))
        await (await sender.send(topic, batch(0, 8, range(10, 15)), partition=1))
    with recorder(kafka, database, topic):
        await until_stored(database, 15)
        await asyncio.sleep(1.0)
    assert await stored(database) == (15, 15, sum(range(15)))


async def test_every_part_of_a_flush_is_stored(kafka: str, database: str, topic: str) -> None:
    rows = [measurement(number) for number in range(20)]
    halves = [
        MeasurementBatch(0, 1, 0, Measurements.of(rows[:10]), 0),
        MeasurementBatch(0, 1, 0, Measurements.of(rows[10:]), 1),
    ]
    async with producer(kafka, f"{topic}-parts") as sender, sender.transaction():
        for half in halves:
            await (await sender.send(topic, encode_measurements(half), partition=0))
    with recorder(kafka, database, topic):
        await until_stored(database, 20)


async def test_what_can_never_be_stored_is_set_aside_and_the_rest_goes_on(
    kafka: str, database: str, topic: str
) -> None:
    with_nul = measurement(1, department="a\0b")
    rows = Measurements.of([measurement(0), with_nul])
    mixed = encode_measurements(MeasurementBatch(0, 1, 0, rows))
    async with producer(kafka, f"{topic}-odd") as sender, sender.transaction():
        for value in (mixed, b"no batch", batch(0, 2, range(2, 4))):
            await (await sender.send(topic, value, partition=0))
    with recorder(kafka, database, topic):
        await until_stored(database, 3)
    async with connected(database) as connection:
        refused = await connection.fetch(
            "SELECT record_offset, content FROM scoring.refused_measurements ORDER BY id"
        )
    assert [row["record_offset"] for row in refused] == [0, 1]
    assert b"a\0b" in refused[0]["content"]
    assert refused[1]["content"] == b"no batch"


async def test_rows_lie_in_the_partition_of_their_day(
    kafka: str, database: str, topic: str
) -> None:
    async with producer(kafka, f"{topic}-days") as sender, sender.transaction():
        await (await sender.send(topic, batch(0, 1, range(50)), partition=0))
    with recorder(kafka, database, topic):
        await until_stored(database, 50)
    async with connected(database) as connection:
        tables = await connection.fetch(
            "SELECT tableoid::regclass::text AS name, count(*) AS rows"
            " FROM scoring.measurements GROUP BY 1 ORDER BY 1"
        )
    assert [(row["name"], row["rows"]) for row in tables] == [
        (f"scoring.measurements_201603{day:02}", 10) for day in range(2, 7)
    ]


async def test_a_broker_that_holds_less_than_was_copied_from_it_is_refused_aloud(
    kafka: str, database: str, topic: str
) -> None:
    async with producer(kafka, f"{topic}-less") as sender, sender.transaction():
        await (await sender.send(topic, batch(0, 1, range(5)), partition=0))
    with recorder(kafka, database, topic):
        await until_stored(database, 5)
    async with connected(database) as connection:
        await connection.execute("UPDATE scoring.recorder_offsets SET next_offset = 1000")
    arguments = [str(PROCESS), kafka, database, topic, str(PARTITIONS)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await process.communicate()
    assert process.returncode == 1
    assert b"this Postgres belongs to another Kafka" in complaint
