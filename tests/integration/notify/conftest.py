"""A notify of its own for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.notify.running_notify import (
    SECRET,
    System,
    fresh_topic,
    running,
    settings_for,
)
from tests.integration.notify.webhook_receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """An endpoint that the settings of `notify` name."""
    async with receiving(SECRET) as started:
        yield started


@pytest.fixture
async def notify(kafka: str, database: str, receiver: Receiver) -> AsyncIterator[System]:
    settings = settings_for(
        kafka, database, notify_webhook_url=receiver.url, notify_webhook_secret=SECRET
    )
    async with running(settings, fresh_topic()) as system:
        yield system
