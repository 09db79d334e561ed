"""What measure has said of a stream, cell by cell: from panes, measurements and Postgres.

All of it is read committed, and none of it is taken on trust: a revision that was stored twice, or
that is missing, is found here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import asyncpg

from services.scoring.rule_files import load_rules
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import decode_measurements
from shared.contracts.pane_log import CellKey, PaneLog, key_of
from shared.contracts.panes import (
    DAY,
    MINUTE,
    QUARTER,
    QUARTER_MS,
    TOTAL,
    PaneRecord,
    PaneUpdate,
    Watermark,
    decode_pane_record,
)
from shared.contracts.scopes import SCOPE_KINDS
from shared.contracts.topics import MEASUREMENTS, PANES
from tests.oracle.ticket_facts import KNOWN, MINUTE_MS, FactKey, Facts, Sums, add_up, recompute
from tests.system.records import committed_by_partition, committed_records, rows_of
from tests.system.seals import SealChecks


class PaneKey(NamedTuple):
    """A cell over all sources; ``start_ms`` is 0 for the whole day."""

    level: int
    start_ms: int
    department: str
    kind: str
    id: str
    indicator: str


Cells = dict[PaneKey, Sums]


class Panes(NamedTuple):
    """What a reader of ``panes`` ends up with, and what it should never have met."""

    cells: Cells
    faults: list[str]
    revisions: dict[int, int]
    """The last revision of each source."""


def expected(values: Iterable[bytes]) -> Facts:
    """What the recomputation makes of the events under the rules that ship."""
    return recompute(values, load_rules(None))


# -- measurements -------------------------------------------------------------------------------


def measurement_facts(bootstrap: str) -> tuple[Facts, list[str]]:
    """The topic's rows netted by sign, and batches that are there twice."""
    batches = [decode_measurements(value) for value in committed_records(bootstrap, MEASUREMENTS)]
    seen: set[tuple[int, int, int]] = set()
    faults = []
    for batch in batches:
        name = (batch.source, batch.revision, batch.part)
        if name in seen:
            faults.append(f"batch {name} twice")
        seen.add(name)
    rows = (row for batch in batches for row in rows_of(batch))
    facts = add_up(
        (
            FactKey(
                INDICATOR_IDS[row.indicator],
                row.time_ms // MINUTE_MS * MINUTE_MS,
                *(row.department, row.team, row.employee, row.channel, row.category),
            ),
            Sums(row.sign, row.sign * row.value, row.sign * row.good),
        )
        for row in rows
    )
    return _known(facts), faults


def recorded_facts(dsn: str) -> Facts:
    """The same from Postgres."""
    return _known(dict(asyncio.run(_query(dsn))))


async def _query(dsn: str) -> list[tuple[FactKey, Sums]]:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        rows = await connection.fetch(
            "SELECT indicator, time_ms / 60000 * 60000 AS minute,"
            " department, team, employee, channel, category, sum(sign)::bigint AS n,"
            " sum(sign * value)::bigint AS total, sum(sign * good)::bigint AS good"
            " FROM scoring.measurements GROUP BY 1, 2, 3, 4, 5, 6, 7"
            " HAVING sum(sign) <> 0 OR sum(sign * value) <> 0 OR sum(sign * good) <> 0"
        )
    finally:
        await connection.close()
    return [(FactKey(*row[:7]), Sums(*row[7:])) for row in rows]


def _known(facts: Facts) -> Facts:
    return {key: sums for key, sums in facts.items() if key.indicator in KNOWN}


# -- panes --------------------------------------------------------------------------------------


def cells_of(facts: Facts) -> Cells:
    """The minutes, quarter-hours and the day that facts add up to, in every scope they count in."""
    sums: dict[PaneKey, list[int]] = defaultdict(lambda: [0, 0, 0])
    for fact, part in facts.items():
        quarter_ms = fact.minute_ms // QUARTER_MS * QUARTER_MS
        for level, start_ms in ((MINUTE, fact.minute_ms), (QUARTER, quarter_ms), (DAY, 0)):
            for scope in _scopes_of(fact):
                row = sums[PaneKey(level, start_ms, *scope, fact.indicator)]
                for place, number in enumerate(part):
                    row[place] += number
    return {key: Sums(*row) for key, row in sums.items() if any(row)}


def _scopes_of(fact: FactKey) -> Iterator[tuple[str, str, str]]:
    yield ("", "organisation", "")
    for kind in ("channel", "category"):
        if name := getattr(fact, kind):
            yield ("", kind, name)
    if fact.department:
        for kind in ("department", "team", "employee"):
            if name := getattr(fact, kind):
                yield (fact.department, kind, name)


def read_panes(bootstrap: str) -> Panes:
    """Every committed record of ``panes``, each partition from its beginning to its end."""
    log = CheckedLog(load_rules(None).zone)
    for partition, values in committed_by_partition(bootstrap, PANES).items():
        for value in values:
            log.take(partition, decode_pane_record(value))
    return log.finish()


class _Place(NamedTuple):
    """A source in a partition of the topic."""

    partition: int
    source: int

    def __str__(self) -> str:
        return f"panes-{self.partition}, source {self.source}"


class CheckedLog:
    """What a log of ``panes`` amounts to, and whether it is one that sources may write.

    Each flush says something in every partition of the topic. So within a partition the revisions
    of a source are 1, 2, 3, …: none is missing, none comes back, and none states a cell twice. How
    quarter-hours and days are sealed, `SealChecks` look at.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._log = PaneLog(zone)
        self._faults: list[str] = []
        self._seals: dict[_Place, SealChecks] = {}
        self._stated_in: dict[CellKey, int] = {}
        self._revision: dict[_Place, int] = defaultdict(int)
        self._marks: set[tuple[_Place, int]] = set()

    def take(self, partition: int, record: PaneRecord) -> None:
        place = _Place(partition, record.source)
        before = self._revision[place]
        if record.revision == before + 1:
            self._revision[place] = record.revision
        elif record.revision != before:
            self._fault(place, record, f"follows {before}")
        if isinstance(record, Watermark):
            self._take_mark(place, record)
        else:
            self._take_cells(place, record)

    def _take_mark(self, place: _Place, record: Watermark) -> None:
        mark = (place, record.revision)
        if mark in self._marks:
            self._fault(place, record, "has two watermarks")
        self._marks.add(mark)

    def _take_cells(self, place: _Place, record: PaneUpdate) -> None:
        for cell in record.cells:
            key = key_of(record.source, cell)
            if self._stated_in.get(key) == record.revision:
                self._fault(place, record, f"states {cell} twice")
            self._stated_in[key] = record.revision
        if place not in self._seals:
            self._seals[place] = SealChecks(self._zone, str(place))
        self._seals[place].take(record)
        self._log.take(record)

    def _fault(self, place: _Place, record: PaneRecord, what: str) -> None:
        self._faults.append(f"{place}, revision {record.revision} {what}")

    def finish(self) -> Panes:
        """What there is at the end of the log."""
        for seals in self._seals.values():
            seals.end_flush()
            self._faults += seals.faults
        revisions = self._last_revisions()
        return Panes(self._sums(), self._faults, revisions)

    def _sums(self) -> Cells:
        totals: dict[PaneKey, list[int]] = defaultdict(lambda: [0, 0, 0])
        for key, summed in self._log.rolled_up().items():
            if key.level != TOTAL and INDICATOR_IDS[key.indicator] in KNOWN:
                department, kind, name = key.scope
                start_ms = 0 if key.level == DAY else key.start_ms
                scope = (department, SCOPE_KINDS[kind], name)
                row = totals[PaneKey(key.level, start_ms, *scope, INDICATOR_IDS[key.indicator])]
                row[0] += summed.n
                row[1] += summed.total
                row[2] += summed.good
        return {key: Sums(*row) for key, row in totals.items() if any(row)}

    def _last_revisions(self) -> dict[int, int]:
        last: dict[int, int] = {}
        for (_, source), revision in self._revision.items():
            if last.setdefault(source, revision) != revision:
                self._faults.append(f"source {source} ends at {last[source]} and at {revision}")
        return last


K = TypeVar("K")


def apart(found: Mapping[K, Sums], wanted: Mapping[K, Sums]) -> list[str]:
    """Where two disagree; some examples are enough."""
    keys = [key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)]
    examples = [f"{key}: {found.get(key)}, not {wanted.get(key)}" for key in keys[:5]]
    return [f"{len(keys)} of {len(wanted)} differ", *examples] if keys else []
