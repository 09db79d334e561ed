"""The servers of a local system: killed, stopped, started again, three of a kind."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.databases import with_database
from deploy.local.layout import temporary_directory
from deploy.local.ports import Ports, PortTakenError, free_ports
from deploy.local.run_state import AlreadyRunningError
from deploy.local.stack import LocalStack, StackOptions

pytestmark = pytest.mark.integration

SERVERS = StackOptions(only=frozenset({"nothing else"}), without=frozenset({"dev-key"}))


@pytest.fixture
def directory() -> Iterator[Path]:
    folder = temporary_directory()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def options() -> StackOptions:
    kafka, controller, postgres = free_ports(3)
    ports = Ports(kafka=kafka, postgres=postgres)
    return replace(SERVERS, ports=ports, kafka_ports=(kafka, controller), durable=False)


async def create_topic(bootstrap: str, name: str, replicas: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, replicas)])
    await admin.close()


async def send(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def first_value(bootstrap: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), 30)).value
        return value


async def execute(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(with_database(dsn, "bellwether"), timeout=5)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def test_a_second_start_finds_the_data_of_the_first(directory: Path, options: StackOptions) -> None:
    with LocalStack(directory, options) as stack:
        asyncio.run(create_topic(stack.bootstrap_servers, "kept", 1))
        asyncio.run(send(stack.bootstrap_servers, "kept", b"record"))
        asyncio.run(execute(stack.superuser_dsn, "CREATE TABLE kept AS SELECT 42 AS answer"))
    with LocalStack(directory, options) as stack:
        assert asyncio.run(first_value(stack.bootstrap_servers, "kept")) == b"record"
        assert asyncio.run(execute(stack.superuser_dsn, "SELECT answer FROM kept")) == 42


def test_killed_servers_come_back_with_their_data(directory: Path, options: StackOptions) -> None:
    with LocalStack(directory, options) as stack:
        asyncio.run(create_topic(stack.bootstrap_servers, "kept", 1))
        asyncio.run(send(stack.bootstrap_servers, "kept", b"record"))
        asyncio.run(execute(stack.superuser_dsn, "CREATE TABLE kept AS SELECT 42 AS answer"))
        stack.kill("kafka")
        stack.kill("postgres")
        stack.wait_ready(timeout=90)
        assert asyncio.run(first_value(stack.bootstrap_servers, "kept")) == b"record"
        assert asyncio.run(execute(stack.superuser_dsn, "SELECT answer FROM kept")) == 42


def test_a_second_start_in_the_same_directory_is_refused_and_harms_nothing(
    directory: Path, options: StackOptions
) -> None:
    with LocalStack(directory, options) as stack:
        with pytest.raises(AlreadyRunningError, match="bellwether status"):
            LocalStack(directory, options).start()
        stack.wait_ready(timeout=5)
        assert asyncio.run(execute(stack.superuser_dsn, "SELECT 1")) == 1


def test_a_port_that_is_taken_is_named_before_anything_starts(
    directory: Path, options: StackOptions, postgres: str
) -> None:
    taken = int(postgres.rsplit(":", 1)[1].split("/", maxsplit=1)[0])
    clash = replace(options, ports=replace(options.ports, postgres=taken))
    with pytest.raises(PortTakenError, match=f"Port {taken} is taken, and postgres wants it"):
        LocalStack(directory, clash).start()
    assert not (directory / "log" / "kafka.log").exists()


def test_servers_that_the_user_runs_are_used_and_not_started(
    directory: Path, options: StackOptions, kafka: str, postgres: str
) -> None:
    with LocalStack(directory, replace(options, kafka=kafka, postgres_dsn=postgres)) as stack:
        assert stack.bootstrap_servers == kafka
        assert stack.dsn("ingest") == postgres
    assert not (directory / "kafka").exists()
    assert not (directory / "postgres").exists()


def test_three_brokers_keep_a_record_when_one_of_them_is_killed() -> None:
    three = replace(SERVERS, brokers=3, without=frozenset({"dev-key", "postgres"}))
    with LocalStack.temporary(three) as stack:
        asyncio.run(create_topic(stack.bootstrap_servers, "kept", 3))
        asyncio.run(send(stack.bootstrap_servers, "kept", b"record"))
        stack.supervisor.stop_process("kafka-2", force=True)
        assert asyncio.run(first_value(stack.bootstrap_servers, "kept")) == b"record"
        stack.supervisor.start_process("kafka-2")
        stack.wait_ready(timeout=90)
