"""What a system has counted, read in independent ways, in one comparable form."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

import asyncpg

from services.scoring.rule_files import load_rules
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.measurements import Measurement, decode_measurements
from shared.contracts.pane_log import PaneLog, Rolled
from shared.contracts.panes import DAY, TOTAL, decode_pane_record
from shared.contracts.scopes import SCOPE_KINDS
from shared.contracts.topics import MEASUREMENTS, PANES
from tests.oracle.figures import Durations, Oracle
from tests.system.records import committed_records

ORGANISATION = SCOPE_KINDS.index("organisation")
DEPARTMENT = SCOPE_KINDS.index("department")


class Sums(NamedTuple):
    """Cases, their exact integer sum, and the good ones."""

    n: int
    total: int
    good: int


Totals = dict[tuple[str, str], Sums]
"""By indicator and department ("" where it is unknown); what adds up to nothing is left out."""


@dataclass(frozen=True)
class Days:
    """Event times that are looked at, ``[start_ms, end_ms)``."""

    start_ms: int = 0
    end_ms: int = 1 << 62


def add_up(parts: Iterable[tuple[tuple[str, str], Sums]]) -> Totals:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for key, part in parts:
        for place, number in enumerate(part):
            sums[key][place] += number
    return {key: Sums(*values) for key, values in sums.items() if any(values)}


# -- from the topic of measurements, and from its copy in Postgres ------------------------------


def measured(bootstrap: str) -> Totals:
    """From the topic `measurements`."""
    batches = (decode_measurements(value) for value in committed_records(bootstrap, MEASUREMENTS))
    return add_up(_signed(row) for batch in batches for row in batch.rows)


def _signed(row: Measurement) -> tuple[tuple[str, str], Sums]:
    sums = Sums(row.sign, row.sign * row.value, row.sign * row.good)
    return (INDICATOR_IDS[row.indicator], row.department), sums


def recorded(dsn: str, days: Days | None = None) -> Totals:
    """From Postgres."""
    return add_up(asyncio.run(_query(dsn, days or Days())))


async def _query(dsn: str, days: Days) -> list[tuple[tuple[str, str], Sums]]:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        rows = await connection.fetch(
            "SELECT indicator, department, sum(sign)::bigint AS n,"
            " sum(sign * value)::bigint AS total, sum(sign * good)::bigint AS good"
            " FROM scoring.measurements WHERE time_ms >= $1 AND time_ms < $2"
            " GROUP BY indicator, department",
            days.start_ms,
            days.end_ms,
        )
    finally:
        await connection.close()
    return [
        ((row["indicator"], row["department"]), Sums(row["n"], row["total"], row["good"]))
        for row in rows
    ]


def with_organisation(totals: Totals) -> Totals:
    """Named departments only, and the organisation's totals as "*", as panes have them."""
    named = {key: sums for key, sums in totals.items() if key[1]}
    return named | add_up(((indicator, "*"), sums) for (indicator, _), sums in totals.items())


def minus(totals: Totals, before: Totals) -> Totals:
    """What came on top."""
    taken = ((key, Sums(-s.n, -s.total, -s.good)) for key, s in before.items())
    return add_up([*totals.items(), *taken])


def last_days(dsn: str, days: int) -> Days:
    """The calendar days, in the organisation's zone, up to that of the last recorded number."""
    zone = load_rules(None).zone
    last = datetime.fromtimestamp(asyncio.run(_last_ms(dsn)) / 1000, zone)
    first = datetime.combine(last.date() - timedelta(days=days), time(), zone)
    return Days(start_ms=int(first.timestamp()) * 1000)


async def _last_ms(dsn: str) -> int:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        last = await connection.fetchval("SELECT max(time_ms) FROM scoring.measurements")
    finally:
        await connection.close()
    return int(last)


# -- from panes ---------------------------------------------------------------------------------


def summed_panes(bootstrap: str, days: Days | None = None) -> Totals:
    """From the days of `panes`, and for gauges from their cells over all time: named departments,
    and the organisation as "*"."""
    rolled = rolled_panes(bootstrap, {ORGANISATION, DEPARTMENT})
    return add_up(_of_scopes(rolled, days or Days()))


def rolled_panes(bootstrap: str, kinds: Container[int]) -> Rolled:
    """What `panes` amounts to in the scopes of these kinds."""
    log = PaneLog(load_rules(None).zone, kinds)
    for value in committed_records(bootstrap, PANES):
        log.take(decode_pane_record(value))
    return log.rolled_up()


def _of_scopes(rolled: Rolled, days: Days) -> Iterator[tuple[tuple[str, str], Sums]]:
    for key, summed in rolled.items():
        _, kind, department = key.scope
        is_gauge = INDICATORS[INDICATOR_IDS[key.indicator]].kind == "gauge"
        is_day = key.level == DAY and days.start_ms <= key.start_ms < days.end_ms
        if key.level == TOTAL if is_gauge else is_day:
            name = "*" if kind == ORGANISATION else department
            yield (INDICATOR_IDS[key.indicator], name), Sums(summed.n, summed.total, summed.good)


def gauges(totals: Totals) -> Totals:
    return {key: sums for key, sums in totals.items() if INDICATORS[key[0]].kind == "gauge"}


def without_gauges(totals: Totals) -> Totals:
    return {key: sums for key, sums in totals.items() if key not in gauges(totals)}


# -- from a recomputation -----------------------------------------------------------------------


def recomputed(oracle: Oracle) -> dict[tuple[str, str], dict[str, int]]:
    """What an independent recomputation of the log knows of the same sums."""
    known: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for indicator, part, counter in (
        ("tickets_opened", "n", oracle.opened),
        ("tickets_reassigned", "n", oracle.reassigned_events),
        ("tickets_resolved", "n", oracle.resolved_events),
        ("tickets_reopened", "n", oracle.reopened_events),
        ("transfer_rate", "good", oracle.reassigned_tickets),
        ("resolution_rate", "good", oracle.resolved_tickets),
        ("reopen_rate", "good", oracle.reopened_tickets),
    ):
        for department, number in counter.items():
            if number:
                known[indicator, department][part] = number
    for indicator, durations in (
        ("first_response_time", oracle.first_response),
        ("resolution_time", oracle.first_resolution),
        ("resolution_time_last", oracle.last_resolution),
    ):
        _add_durations(known, indicator, durations)
    for department, (good, answers) in oracle.csat.by_department.items():
        known["csat", department] = {"n": answers, "good": good}
    return dict(known)


def _add_durations(
    known: dict[tuple[str, str], dict[str, int]], indicator: str, durations: Durations
) -> None:
    for department, values in durations.by_department.items():
        known[indicator, department] = {"n": len(values), "total": sum(values)}


def differences(totals: Totals, oracle: Oracle) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Where the totals and the recomputation disagree: (theirs, recomputed). Empty when equal."""
    known = recomputed(oracle)
    parts = {(indicator, part) for (indicator, _), sums in known.items() for part in sums}
    wrong: dict[tuple[str, str, str], tuple[int, int]] = {}
    for indicator, part in parts:
        departments = {name for what, name in totals.keys() | known.keys() if what == indicator}
        for name in departments:
            ours = getattr(totals.get((indicator, name), Sums(0, 0, 0)), part)
            expected = known.get((indicator, name), {}).get(part, 0)
            if ours != expected:
                wrong[indicator, part, name] = (ours, expected)
    return wrong
