"""Deliveries that are due, and what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.notify.core.retry import Dead, Decision, Delivered, Outcome, Retry
from shared.runtime.database import Database, PooledConnection

GONE = "the endpoint answered 410 Gone"


@dataclass(frozen=True)
class Delivery:
    """One claimed message. ``attempt`` counts from 1; ``salt`` None: the settings' endpoint."""

    id: int
    message_id: str
    alert_id: str
    transition: str
    body: str
    attempt: int
    endpoint_id: str
    url: str
    salt: bytes | None
    received_ms: int
    published_ms: int


@dataclass(frozen=True)
class Attempt:
    """What was tried."""

    delivery: Delivery
    at: datetime
    duration_ms: int
    outcome: Outcome


class Outbox:
    """Errors are asyncpg's. A claim is a lease: when nothing is recorded within ``lease_seconds``,
    another claim takes the delivery again, under the same message id."""

    def __init__(
        self, database: Database, queries: Mapping[str, str], lease_seconds: float
    ) -> None:
        self._database = database
        self._sql = queries
        self._lease_seconds = lease_seconds

    async def claim(self, per_endpoint: int, under_way: Mapping[str, int]) -> list[Delivery]:
        """Due deliveries, at most ``per_endpoint`` for each less those ``under_way``."""
        rows = await self._database.pool.fetch(
            self._sql["claim_deliveries"],
            self._lease_seconds,
            per_endpoint,
            list(under_way),
            list(under_way.values()),
        )
        return [
            Delivery(
                id=row["id"],
                message_id=row["message_id"],
                alert_id=str(row["alert_id"]),
                transition=row["transition"],
                body=row["body"],
                attempt=row["attempts"],
                endpoint_id=row["endpoint_id"],
                url=row["url"],
                salt=row["salt"],
                received_ms=row["received_ms"],
                published_ms=row["published_ms"],
            )
            for row in rows
        ]

    async def seconds_to_next(self) -> float | None:
        """Until the next delivery is due; None when there is none."""
        seconds: float | None = await self._database.pool.fetchval(
            self._sql["seconds_to_next_delivery"]
        )
        return seconds

    async def count_pending(self) -> int:
        return int(await self._database.pool.fetchval(self._sql["count_pending"]))

    async def record(self, attempt: Attempt, decision: Decision) -> bool:
        """Keep what was tried, and what follows; whether more is due for the endpoint now."""
        async with self._database.pool.acquire() as connection:
            if not _gone(decision):
                return await self._record(connection, attempt, decision)
            async with connection.transaction():
                await self._record(connection, attempt, decision)
                endpoint = attempt.delivery.endpoint_id
                await self._close_endpoint(connection, endpoint, attempt.at)
                return False

    async def _record(
        self, connection: PooledConnection, attempt: Attempt, decision: Decision
    ) -> bool:
        delivery, outcome = attempt.delivery, attempt.outcome
        state, pause = _follows(decision)
        more: bool | None = await connection.fetchval(
            self._sql["record_attempt"],
            delivery.id,
            delivery.attempt,
            attempt.at,
            attempt.duration_ms,
            outcome.status,
            outcome.error,
            delivery.alert_id,
            state,
            pause,
        )
        return more is None or more  # None: another claim has it, and nothing is known

    async def _close_endpoint(
        self, connection: PooledConnection, endpoint: str, at: datetime
    ) -> None:
        await connection.execute(self._sql["disable_endpoint"], endpoint, at, GONE)
        await connection.execute(self._sql["bury_deliveries"], endpoint, at, GONE)


def _gone(decision: Decision) -> bool:
    return isinstance(decision, Dead) and decision.endpoint_gone


def _follows(decision: Decision) -> tuple[str, float]:
    """The delivery's state, and in how many seconds it is due again."""
    match decision:
        case Delivered():
            return "delivered", 0.0
        case Retry(seconds):
            return "pending", seconds
        case Dead():
            return "dead", 0.0
