"""The loop that delivers: claims what is due, sends it, records what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from services.notify import metrics
from services.notify.bell import Bell
from services.notify.core.retry import Dead, Decision, Delivered, Retry, RetryPolicy, decide
from services.notify.outbox import Attempt, Delivery, Outbox
from services.notify.sender import WebhookSender
from shared.runtime.database import is_transient

log = structlog.get_logger("dispatcher")

PER_ENDPOINT = 8
LONGEST_WAIT_SECONDS = 5.0
SHORTEST_WAIT_SECONDS = 0.02
WAIT_UNDER_WAY_SECONDS = 0.5
COUNT_SECONDS = 5.0

SecretOf = Callable[[Delivery], str]


class Dispatcher:
    """Several endpoints are served at once, each with at most ``PER_ENDPOINT`` requests, so that
    one that hangs delays no other. What could not be recorded is claimed again when its lease ends:
    a receiver may then see a message twice, under one id. ``chance`` gives numbers in [0, 1)."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        sender: WebhookSender,
        secret_of: SecretOf,
        policy: RetryPolicy,
        bell: Bell,
        chance: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._secret_of = secret_of
        self._policy = policy
        self._bell = bell
        self._chance = chance
        self._under_way: Counter[str] = Counter()

    async def run(self) -> None:
        """Until Postgres goes away; deliveries under way are then claimed again by their lease."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._count())
            while True:
                for delivery in await self._outbox.claim(PER_ENDPOINT, +self._under_way):
                    self._under_way[delivery.endpoint_id] += 1
                    tasks.create_task(self._deliver(delivery))
                await self._bell.wait(await self._pause())

    async def _count(self) -> None:
        while True:
            metrics.PENDING.set(await self._outbox.count_pending())
            await asyncio.sleep(COUNT_SECONDS)

    async def _pause(self) -> float:
        """Seconds to wait, unless the bell rings: it does when a delivery ends and more is due, or
        the same again."""
        if self._under_way.total():
            return WAIT_UNDER_WAY_SECONDS
        seconds = await self._outbox.seconds_to_next()
        if seconds is None:
            return LONGEST_WAIT_SECONDS
        return min(LONGEST_WAIT_SECONDS, max(SHORTEST_WAIT_SECONDS, seconds))

    async def _deliver(self, delivery: Delivery) -> None:
        look_again = True
        try:
            attempt = await self._attempt(delivery)
            decision = decide(attempt.outcome, delivery.attempt, self._policy, self._chance())
            more = await self._outbox.record(attempt, decision)
            look_again = more or isinstance(decision, Retry)
            _report(attempt, decision)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("not_recorded", message_id=delivery.message_id, error=repr(error))
        finally:
            self._under_way[delivery.endpoint_id] -= 1
            if look_again:
                self._bell.ring()

    async def _attempt(self, delivery: Delivery) -> Attempt:
        at = datetime.now(UTC)
        began = time.perf_counter()
        _observe_latency(delivery, at)
        outcome = await self._sender.send(
            delivery.url,
            delivery.body,
            secret=self._secret_of(delivery),
            message_id=delivery.message_id,
            at=at,
        )
        seconds = time.perf_counter() - began
        metrics.ATTEMPT.observe(seconds)
        return Attempt(delivery, at, round(seconds * 1000), outcome)


def _observe_latency(delivery: Delivery, at: datetime) -> None:
    if delivery.attempt != 1 or delivery.transition != "opened":
        return
    now_ms = at.timestamp() * 1000
    metrics.BREACH_TO_ATTEMPT.observe(max(0.0, now_ms - delivery.published_ms) / 1000)
    if delivery.received_ms:
        metrics.RECEIVED_TO_ATTEMPT.observe(max(0.0, now_ms - delivery.received_ms) / 1000)


def _report(attempt: Attempt, decision: Decision) -> None:
    delivery = attempt.delivery
    result = _result(decision)
    metrics.ATTEMPTS.labels(result).inc()
    write = log.info if result == "delivered" else log.warning
    write(
        "delivery",
        result=result,
        endpoint=delivery.endpoint_id,
        message_id=delivery.message_id,
        attempt=delivery.attempt,
        status=attempt.outcome.status,
        error=attempt.outcome.error,
        ms=attempt.duration_ms,
    )


def _result(decision: Decision) -> str:
    if isinstance(decision, Delivered):
        return "delivered"
    if isinstance(decision, Dead):
        return "gone" if decision.endpoint_gone else "dead"
    return "retry"
