"""Killed at random moments, notify tells of every breach and clearing, and never twice as new."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.contracts.breaches import encode_breach
from shared.runtime.kafka import ensure_topics, make_producer
from tests.integration.notify.running_notify import (
    SECRET,
    breach,
    cleared,
    fresh_topic,
    running,
    settings_for,
)
from tests.integration.notify.webhook_receiver import Receiver

pytestmark = pytest.mark.integration

PROCESS = Path(__file__).with_name("notify_process.py")
BREACHES = 60
KILLS = 3


@contextmanager
def notify_process(environment: dict[str, str], topic: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, str(PROCESS), topic], env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def send(kafka: str, topic: str) -> None:
    producer = make_producer(kafka)
    await producer.start()
    try:
        for number in range(BREACHES):
            for record in (breach(number), cleared(number)):
                await producer.send_and_wait(topic, encode_breach(record), partition=0)
                await asyncio.sleep(0.05)
    finally:
        await producer.stop()


async def test_kills_at_random_moments_lose_no_alert_and_invent_none(
    kafka: str, database: str, receiver: Receiver
) -> None:
    topic = fresh_topic()
    await ensure_topics(kafka, [topic], 1, 1)
    environment = {
        **os.environ,
        "BELLWETHER_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "BELLWETHER_POSTGRES_DSN": database,
        "BELLWETHER_PARTITIONS": "1",
        "BELLWETHER_NOTIFY_PORT": "0",
        "BELLWETHER_NOTIFY_WEBHOOK_URL": receiver.url,
        "BELLWETHER_NOTIFY_WEBHOOK_SECRET": SECRET,
        "BELLWETHER_NOTIFY_ALLOW_PRIVATE_TARGETS": "true",
        "BELLWETHER_NOTIFY_TIMEOUT_SECONDS": "1",
        "BELLWETHER_LOG_LEVEL": "error",
    }
    chance = random.Random(5)
    sending = asyncio.create_task(send(kafka, topic.name))
    for _ in range(KILLS):
        before = len(receiver.received)
        with notify_process(environment, topic.name):
            await receiver.wait_for(min(before + chance.randint(1, 12), 2 * BREACHES))
    await sending
    settings = settings_for(
        kafka, database, notify_webhook_url=receiver.url, notify_webhook_secret=SECRET
    )
    async with running(settings, topic) as notify:
        await notify.until_alerts(BREACHES, state="resolved", limit=200)
        async with asyncio.timeout(90):
            while len(distinct(receiver)) < 2 * BREACHES:  # noqa: ASYNC110 - others fill it
                await asyncio.sleep(0.1)
        assert len(await notify.alerts(limit=200)) == BREACHES
    assert len(distinct(receiver)) == 2 * BREACHES
    assert len(receiver.received) <= 2 * BREACHES + KILLS * 8  # only what was under way at a kill


def distinct(receiver: Receiver) -> set[str]:
    """Message ids: by them a receiver knows a repetition."""
    return {message.message_id for message in receiver.received}
