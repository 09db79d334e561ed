"""Published results in Postgres, with their acknowledgements and comments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from services.feedback import metrics
from services.feedback.core.mentions import mentions
from services.feedback.core.results import (
    EmployeeFigures,
    NamedFigure,
    PeriodResults,
    State,
    digest,
    encode_figures,
    named,
)
from shared.runtime.database import Database, PooledConnection


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """One employee's result of a period in one revision. ``latest``: no later revision exists."""

    id: str
    period: str
    zone: str
    start_ms: int
    end_ms: int
    department: str
    team: str
    employee: str
    revision: int
    latest: bool
    state: State
    rule_version: str
    figures: list[NamedFigure]
    published_at: datetime
    published_by: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    comments: int


class Comment(msgspec.Struct, kw_only=True, frozen=True):
    """What somebody said about a result; ``mentions`` are the names it speaks to."""

    id: int
    result_id: str
    actor: str
    text: str
    mentions: list[str]
    at: datetime


class Publication(msgspec.Struct, kw_only=True, frozen=True):
    """What a publication did: ``published`` new results or revisions, ``unchanged`` others."""

    period: str
    state: State
    rule_version: str
    published: int
    unchanged: int


@dataclass(frozen=True)
class Filters:
    """None: any. ``revisions`` all of them, or only the latest of each result."""

    period: str | None = None
    department: str | None = None
    team: str | None = None
    employee: str | None = None
    all_revisions: bool = False


class ResultStore:
    """Errors are asyncpg's."""

    def __init__(self, database: Database, queries: Mapping[str, str]) -> None:
        self._database = database
        self._sql = queries

    async def publish(self, results: PeriodResults, actor: str, at: datetime) -> Publication:
        """Store what is not yet published just so; all of it or nothing."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(self._sql["lock_period"], results.period)
            known = await self._latest(connection, results.period)
            rows = [row for item in results.items if (row := _row(results, item, known, actor, at))]
            await connection.executemany(self._sql["add_result"], rows)
        unchanged = len(results.items) - len(rows)
        metrics.PUBLISHED.inc(len(rows))
        metrics.UNCHANGED.inc(unchanged)
        return Publication(
            period=results.period,
            state=results.state,
            rule_version=results.rule_version,
            published=len(rows),
            unchanged=unchanged,
        )

    async def page(
        self, filters: Filters, below: int | None, limit: int
    ) -> tuple[list[Result], int | None]:
        """Results, newest first, and the number to go on below, or None at the end."""
        rows = await self._database.pool.fetch(
            self._sql["list_results"],
            filters.period,
            filters.department,
            filters.team,
            filters.employee,
            filters.all_revisions,
            below,
            limit + 1,
        )
        shown = rows[:limit]
        return [_result(row) for row in shown], shown[-1]["number"] if len(rows) > limit else None

    async def get(self, result: str) -> Result | None:
        row = await self._database.pool.fetchrow(self._sql["get_result"], result)
        return None if row is None else _result(row)

    async def acknowledge(self, result: str, actor: str, at: datetime) -> bool:
        """False when it was acknowledged before."""
        added = await self._database.pool.fetchval(
            self._sql["acknowledge_result"], result, actor, at
        )
        if added is not None:
            metrics.ACKNOWLEDGED.inc()
        return added is not None

    async def comment(self, result: str, actor: str, text: str, at: datetime) -> Comment | None:
        """None when there is no such result."""
        row = await self._database.pool.fetchrow(
            self._sql["add_comment"], result, actor, text, mentions(text), at
        )
        if row is None:
            return None
        metrics.COMMENTS.inc()
        return _comment(row)

    async def comments(
        self, result: str, above: int | None, limit: int
    ) -> tuple[list[Comment], int | None]:
        """Comments, oldest first, and the id to go on above, or None at the end."""
        rows = await self._database.pool.fetch(self._sql["list_comments"], result, above, limit + 1)
        shown = rows[:limit]
        return [_comment(row) for row in shown], shown[-1]["id"] if len(rows) > limit else None

    async def not_yet_auto_published(self, periods: Sequence[str]) -> list[str]:
        rows = await self._database.pool.fetch(self._sql["auto_published"], list(periods))
        done = {row["period"] for row in rows}
        return [period for period in periods if period not in done]

    async def note_auto_publication(self, period: str, at: datetime, results: int) -> None:
        await self._database.pool.execute(self._sql["note_auto_publication"], period, at, results)

    async def _latest(
        self, connection: PooledConnection, period: str
    ) -> dict[tuple[str, str], tuple[int, bytes]]:
        """Latest revision and its digest by (department, employee)."""
        rows = await connection.fetch(self._sql["latest_revisions"], period)
        return {
            (row["department"], row["employee"]): (row["revision"], row["digest"]) for row in rows
        }


def _row(
    results: PeriodResults,
    item: EmployeeFigures,
    known: Mapping[tuple[str, str], tuple[int, bytes]],
    actor: str,
    at: datetime,
) -> tuple[Any, ...] | None:
    """The row of a new revision; None when the latest says just the same."""
    figures = encode_figures(item.figures)
    mark = digest(results, item, figures)
    revision, latest = known.get((item.department, item.employee), (0, b""))
    if mark == latest:
        return None
    return (
        results.period,
        results.zone,
        results.start_ms,
        results.end_ms,
        item.department,
        item.team,
        item.employee,
        revision + 1,
        results.state,
        results.rule_version,
        figures.decode(),
        mark,
        at,
        actor,
    )


def _result(row: asyncpg.Record) -> Result:
    fields = {name: row[name] for name in Result.__struct_fields__}
    return Result(**{**fields, "id": str(row["id"]), "figures": named(row["figures"].encode())})


def _comment(row: asyncpg.Record) -> Comment:
    fields = {name: row[name] for name in Comment.__struct_fields__}
    return Comment(**{**fields, "result_id": str(row["result_id"])})
