"""Whatever interrupts a client of Kafka's, the broker sees all its connections closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import NodeNotReadyError

from shared.runtime.kafka import make_admin, make_consumer, make_producer
from tests.unit.runtime.fake_broker import API_VERSIONS, METADATA, FakeBroker, fake_broker


def consumer(bootstrap: str) -> Any:
    return make_consumer(bootstrap=bootstrap, group_id=None)


async def stop(client: Any) -> None:
    await (client.close() if hasattr(client, "close") else client.stop())


@pytest.mark.parametrize("make", [consumer, make_producer, make_admin])
@pytest.mark.parametrize("silent_on", [API_VERSIONS, METADATA])
async def test_a_start_that_is_cancelled_while_the_broker_is_silent(
    make: Callable[[str], Any], silent_on: int
) -> None:
    async with fake_broker() as broker:
        broker.silent_on.add(silent_on)
        client = make(broker.address)
        start = asyncio.create_task(client.start())
        await broker.asked(silent_on, 1)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        await stop(client)
        await broker.all_closed()


async def test_a_connection_that_comes_about_after_the_client_was_closed() -> None:
    async with fake_broker() as broker:
        admin = make_admin(broker.address)
        await admin.start()
        question = await _left_connecting(admin, broker)
        await admin.close()
        broker.answer_all()
        with pytest.raises(NodeNotReadyError):
            await question
        await broker.all_closed()


async def test_a_question_after_the_client_was_closed_makes_no_connection() -> None:
    async with fake_broker() as broker:
        admin = make_admin(broker.address)
        await admin.start()
        await admin.close()
        with pytest.raises(NodeNotReadyError):
            await admin.list_topics()
        await broker.all_closed()


async def _left_connecting(admin: Any, broker: FakeBroker) -> asyncio.Task[Any]:
    """A question that waits for its connection, as one of several does when another has failed."""
    broker.silent_on.add(API_VERSIONS)
    question = asyncio.create_task(admin.list_topics())
    await broker.asked(API_VERSIONS, 2)  # the first was the start's
    return question
