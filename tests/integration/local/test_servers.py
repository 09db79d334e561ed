import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

pytestmark = pytest.mark.integration


async def test_a_record_survives_the_trip_through_the_real_broker(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic("servers-trip", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        await producer.send_and_wait("servers-trip", b"value", b"key")
    consumer = AIOKafkaConsumer(
        "servers-trip", bootstrap_servers=kafka, auto_offset_reset="earliest"
    )
    async with consumer:
        record = await consumer.getone()
    assert (record.key, record.value) == (b"key", b"value")


async def test_a_fresh_database_has_a_schema_for_every_service(database: str) -> None:
    connection = await asyncpg.connect(database)
    rows = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'")
    await connection.close()
    assert {row["nspname"] for row in rows} >= {"ingest", "scoring", "feedback", "notify"}


async def test_a_service_role_cannot_read_the_schema_of_another(
    database: str, postgres: str
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE scoring.secret (value int)")
    await connection.execute("SET ROLE bellwether_notify")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM scoring.secret")
    await connection.close()
