"""The dispatcher looks again when a delivery ends that leaves something to do."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import pytest
from prometheus_client import REGISTRY

from services.notify.bell import Bell
from services.notify.core.retry import Decision, Outcome, RetryPolicy
from services.notify.dispatcher import Dispatcher
from services.notify.outbox import Attempt, Delivery, Outbox
from services.notify.sender import WebhookSender

DELIVERY = Delivery(1, "msg_1", "alert", "opened", "{}", 1, "one", "http://a/", None, 0, 0)
SOON = 0.2
"""Less than a dispatcher waits that nobody wakes."""


class OneDelivery:
    """An outbox with one delivery; ``more`` is what recording it tells."""

    def __init__(self, more: bool) -> None:
        self._more = more
        self.claims = 0
        self.recorded = asyncio.Event()

    async def claim(self, _per_endpoint: int, _under_way: Mapping[str, int]) -> list[Delivery]:
        self.claims += 1
        return [DELIVERY] if self.claims == 1 else []

    async def record(self, _attempt: Attempt, _decision: Decision) -> bool:
        self.recorded.set()
        return self._more

    async def count_pending(self) -> int:
        return 7

    async def seconds_to_next(self) -> float | None:
        return None


class Receiver:
    """Answers with a status; without one, never."""

    def __init__(self, status: int | None) -> None:
        self._status = status

    async def send(self, _url: str, _body: str, **_: object) -> Outcome:
        if self._status is None:
            await asyncio.Event().wait()
        return Outcome(self._status)


async def dispatched(outbox: OneDelivery, status: int | None) -> None:
    dispatcher = Dispatcher(
        cast(Outbox, outbox),
        sender=cast(WebhookSender, Receiver(status)),
        secret_of=lambda _: "",
        policy=RetryPolicy(),
        bell=Bell(),
        chance=lambda: 0.0,
    )
    running = asyncio.create_task(dispatcher.run())
    if status is not None:
        await outbox.recorded.wait()
    await asyncio.sleep(SOON)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("more", "status", "claims"), [(False, 204, 1), (True, 204, 2), (False, 503, 2)]
)
async def test_it_looks_again_when_more_is_due_or_the_same_will_be(
    more: bool, status: int, claims: int
) -> None:
    outbox = OneDelivery(more)
    await dispatched(outbox, status)
    assert outbox.claims == claims


async def test_what_is_pending_is_counted_while_a_receiver_hangs() -> None:
    await dispatched(OneDelivery(False), None)
    assert REGISTRY.get_sample_value("bellwether_notify_outbox_pending") == 7
