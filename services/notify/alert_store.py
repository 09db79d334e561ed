"""Alerts in Postgres: a transition, its place in the stream and its deliveries, together or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import asyncpg

from services.notify import metrics
from services.notify.core.alerts import (
    Alert,
    AlertView,
    Transition,
    alert_id,
    encode_view,
    message_id,
    payload,
    view,
)
from shared.contracts.breaches import Breach
from shared.runtime.database import Database, PooledConnection

_RENAMED = {"limit": "limit_value", "window": "window_name"}


@dataclass(frozen=True)
class Page:
    """Alerts, newest first, and the number to go on below, or None at the end."""

    items: list[AlertView]
    next_below: int | None


class AlertStore:
    """Errors are asyncpg's. Texts give instants in ``zone``; ``replica`` is told to the others as
    whose change it is."""

    def __init__(
        self, database: Database, queries: Mapping[str, str], zone: tzinfo, replica: str
    ) -> None:
        self._database = database
        self._sql = queries
        self._zone = zone
        self._replica = replica

    async def apply(self, breach: Breach, published_ms: int, at: datetime) -> AlertView | None:
        """Open or resolve the alert of a breach; None when that was done before."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            if breach.transition == "breached":
                row = await self._open(connection, breach, published_ms, at)
            else:
                row = await connection.fetchrow(
                    self._sql["resolve_alert"], breach.id, at, breach.at_ms, breach.value, breach.n
                )
            if row is None:
                return None
            transition: Transition = "opened" if breach.transition == "breached" else "resolved"
            seen = await self._announce(connection, row, transition, at, None)
        metrics.TRANSITIONS.labels(transition).inc()
        return seen

    async def acknowledge(
        self, alert: str, actor: str, note: str | None, at: datetime
    ) -> AlertView | None:
        """The alert afterwards, acknowledged now or before; None when there is no such alert."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(self._sql["acknowledge_alert"], alert, at, actor, note)
            if row is not None:
                seen = await self._announce(connection, row, "acknowledged", at, actor)
                metrics.TRANSITIONS.labels("acknowledged").inc()
                return seen
        return await self.get(alert)

    async def get(self, alert: str) -> AlertView | None:
        row = await self._database.pool.fetchrow(self._sql["get_alert"], alert)
        return None if row is None else self._view(row)

    async def page(
        self,
        states: Sequence[str],
        scope: str | None,
        severity: str | None,
        below: int | None,
        limit: int,
    ) -> Page:
        rows = await self._database.pool.fetch(
            self._sql["list_alerts"], list(states), scope, severity, below, limit + 1
        )
        more = len(rows) > limit
        shown = rows[:limit]
        return Page([self._view(row) for row in shown], shown[-1]["number"] if more else None)

    async def deliveries(self, alert: str) -> list[dict[str, Any]]:
        rows = await self._database.pool.fetch(self._sql["deliveries_of_alert"], alert)
        return [dict(row) for row in rows]

    async def history(self, alert: str) -> list[dict[str, Any]]:
        rows = await self._database.pool.fetch(self._sql["history_of_alert"], alert)
        return [dict(row) for row in rows]

    async def changes_after(self, sequence: int, limit: int) -> list[tuple[int, bytes]]:
        """Transitions by their place in the stream, with the alert's JSON."""
        rows = await self._database.pool.fetch(self._sql["changes_after"], sequence, limit)
        return [(row["sequence"], row["body"].encode()) for row in rows]

    async def last_sequence(self) -> int:
        return int(await self._database.pool.fetchval(self._sql["last_sequence"]))

    async def refuse(self, partition: int, offset: int, reason: str, content: bytes) -> None:
        await self._database.pool.execute(
            self._sql["refuse_breach"], partition, offset, reason, content
        )

    async def _open(
        self, connection: PooledConnection, breach: Breach, published_ms: int, at: datetime
    ) -> asyncpg.Record | None:
        row: asyncpg.Record | None = await connection.fetchrow(
            self._sql["open_alert"],
            alert_id(breach.id),
            breach.id,
            breach.severity,
            breach.target,
            breach.indicator,
            breach.measure,
            breach.comparison,
            breach.limit,
            breach.within_ms,
            breach.scope,
            breach.window,
            breach.value,
            breach.low,
            breach.high,
            breach.n,
            breach.rule_version,
            breach.started_ms,
            breach.at_ms,
            breach.received_ms,
            published_ms,
            at,
        )
        return row

    async def _announce(
        self,
        connection: PooledConnection,
        row: asyncpg.Record,
        transition: Transition,
        at: datetime,
        actor: str | None,
    ) -> AlertView:
        """Give the transition its place in the stream and put its deliveries into the outbox. The
        row is the alert with the endpoints to tell."""
        seen = self._view(row)
        endpoints = row["endpoints"]
        await connection.execute(
            self._sql["announce"],
            seen.id,
            transition,
            at,
            actor,
            encode_view(seen).decode(),
            [message_id(seen.id, transition, endpoint) for endpoint in endpoints],
            endpoints,
            payload(seen, transition, at).decode(),
            self._replica,
        )
        return seen

    def _view(self, row: asyncpg.Record) -> AlertView:
        fields = {name: row[_RENAMED.get(name, name)] for name in Alert.__struct_fields__}
        return view(Alert(**{**fields, "id": str(row["id"])}), self._zone)
