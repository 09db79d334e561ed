import asyncio
import secrets
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from deploy.local.ports import free_ports
from shared.contracts.topics import SCORES, TICKETS, Topic
from shared.runtime.kafka import (
    ConsumerProgress,
    TopicMismatch,
    broker_answers,
    ensure_topics,
    make_consumer,
    make_producer,
    started,
)

pytestmark = pytest.mark.integration


def topic(like: Topic = TICKETS, **changes: Any) -> Topic:
    fields = {name: getattr(like, name) for name in Topic.__dataclass_fields__}
    return Topic(**{**fields, "name": f"t-{secrets.token_hex(6)}", **changes})


async def described(kafka: str, name: str) -> tuple[int, dict[str, str]]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        (topic,) = await admin.describe_topics([name])
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        config = {entry[0]: entry[1] for entry in answer.resources[0][4]}
        return len(topic["partitions"]), config
    finally:
        await admin.close()


async def test_topics_are_made_as_the_registry_declares_them(kafka: str) -> None:
    shared, own = topic(), topic(like=SCORES, partitions=2)
    await ensure_topics(kafka, [shared, own], partitions=3, replication=1)
    assert (await described(kafka, shared.name))[0] == 3
    partitions, config = await described(kafka, own.name)
    assert partitions == 2
    assert config["cleanup.policy"] == "compact"
    assert config["min.insync.replicas"] == "1"


async def test_whether_a_broker_answers_is_found_out_by_asking_it(kafka: str) -> None:
    (nowhere,) = free_ports(1)
    assert await broker_answers(kafka)
    assert not await broker_answers(f"127.0.0.1:{nowhere}")


async def test_topics_may_be_made_again_and_by_several_at_once(kafka: str) -> None:
    wanted = [topic() for _ in range(3)]
    await asyncio.gather(*(ensure_topics(kafka, wanted, 2, 1) for _ in range(5)))
    await ensure_topics(kafka, wanted, 2, 1)
    assert (await described(kafka, wanted[0].name))[0] == 2


async def test_a_topic_with_another_number_of_partitions_is_not_silently_used(kafka: str) -> None:
    wanted = topic()
    await ensure_topics(kafka, [wanted], 2, 1)
    with pytest.raises(TopicMismatch, match="BELLWETHER_PARTITIONS"):
        await ensure_topics(kafka, [wanted], 3, 1)


async def test_a_consumer_does_not_see_what_a_transaction_took_back(kafka: str) -> None:
    wanted = topic()
    await ensure_topics(kafka, [wanted], 1, 1)
    producer = make_producer(kafka, transactional_id=secrets.token_hex(6))
    await producer.start()
    for value, keep in ((b"kept", True), (b"aborted", False), (b"kept too", True)):
        await producer.begin_transaction()
        await producer.send_and_wait(wanted.name, value)
        await (producer.commit_transaction() if keep else producer.abort_transaction())
    await producer.stop()
    consumer = make_consumer(wanted.name, bootstrap=kafka, group_id=secrets.token_hex(6))
    await consumer.start()
    try:
        first = await asyncio.wait_for(consumer.getone(), 20)
        second = await asyncio.wait_for(consumer.getone(), 20)
        assert [first.value, second.value] == [b"kept", b"kept too"]
        await ConsumerProgress(consumer).check()
    finally:
        await consumer.stop()


async def test_a_client_is_given_up_when_the_broker_stays_away(unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    with pytest.raises(KafkaConnectionError):
        await started(lambda: make_producer(address), patience=0.3, pause=0.1)


async def test_a_client_starts_as_soon_as_the_broker_is_there(
    kafka: str, unused_tcp_port: int
) -> None:
    addresses = iter([f"127.0.0.1:{unused_tcp_port}"] * 2)
    make = lambda: make_producer(next(addresses, kafka))  # noqa: E731 - one expression says it
    producer = await started(make, patience=20, pause=0.05)
    assert await producer.client.fetch_all_metadata()
    await producer.stop()
