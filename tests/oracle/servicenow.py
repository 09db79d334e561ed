"""The figures of a ServiceNow audit log, recomputed from the raw file with the csv module.

Rows of a case are taken in the order of ``sys_updated_at``, then ``sys_mod_count``, then the file.
Times carry no zone and are read as UTC. Every definition is that of docs/mapping-servicenow.md.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tests.oracle.figures import UNKNOWN, Oracle

Row = dict[str, str]
Holder = tuple[str, str]
"""Department and employee."""
NOBODY: Holder = (UNKNOWN, UNKNOWN)
WAITING = {"Awaiting User Info", "Awaiting Problem", "Awaiting Vendor", "Awaiting Evidence"}
NULLS = {"", "?"}
JUNK_STATES = {"-100"}

RANKS = {"opened": 0, "assigned": 1, "waiting": 3, "resumed": 4}
RANKS |= {"resolved": 5, "reopened": 6, "closed": 7}
"""Facts of one instant that stand in this order keep their time; others move by 1 ms."""

Kind = Literal["opened", "assigned", "waiting", "resumed", "resolved", "reopened", "closed"]


def recompute(log: Path) -> Oracle:
    """Read the whole log."""
    oracle = Oracle()
    cases: dict[str, list[tuple[int, int, int, Row]]] = defaultdict(list)
    for number, row in enumerate(_rows(log)):
        oracle.rows += 1
        key = (_ms(row["sys_updated_at"]), int(row["sys_mod_count"]), number)
        cases[row["number"]].append((*key, row))
    for case in cases.values():
        _Case(oracle).run([row for *_, row in sorted(case, key=lambda item: item[:3])])
    oracle.tickets = len(cases)
    return oracle


def _rows(log: Path) -> Iterator[Row]:
    opener = gzip.open if log.suffix == ".gz" else open
    with opener(log, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _ms(text: str) -> int:
    day, month, year, hour, minute = map(int, re.split(r"[/\- :]", text))
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1000


def _known(text: str) -> str:
    return UNKNOWN if text in NULLS else text


class _Case:
    """One incident while its rows go by."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.last = (-1, -1)
        self.holders: list[tuple[int, Holder]] = []
        self.resolver = NOBODY
        self.is_resolved = False
        self.first_resolution: tuple[Holder, int] | None = None
        self.last_resolution: tuple[Holder, int] | None = None
        self.transferred = False
        self.was_reopened = False

    def run(self, rows: list[Row]) -> None:
        """A ticket that nobody is named for at first belongs to the first who is."""
        first = rows[0]
        self.opened_ms = min(_ms(first["opened_at"]), _ms(first["sys_updated_at"]))
        self._at("opened", self.opened_ms)
        self.opening_holder = next(filter(any, map(self._holder, rows)), NOBODY)
        self.holder = self.opening_holder
        previous: Row | None = None
        state = ""
        response: tuple[int, Row] | None = None
        for row in rows:
            before, state = state, self._state(row, state)
            self._row(row, previous, before, state)
            if response is None and state not in {"", "New"}:
                response = (_ms(row["sys_updated_at"]), row)
            previous = row
        self._finish(response)

    def _row(self, row: Row, previous: Row | None, before: str, state: str) -> None:
        now = _ms(row["sys_updated_at"])
        if previous is not None:
            counted = int(row["reassignment_count"]) > int(previous["reassignment_count"])
            if counted or self._holder(row) != self._holder(previous):
                self._assign(self._at("assigned", now), self._holder(row), counted=counted)
        if state != before and state in WAITING:
            self._at("waiting", now)
        if before in WAITING and state in {"New", "Active"}:
            self._at("resumed", now)
        grown = int(row["reopen_count"]) - int(previous["reopen_count"]) if previous else 0
        for _ in range(grown):
            self._reopen(self._at("reopened", now))
        if state == "Resolved" and before != "Resolved":
            self._resolve(self._at("resolved", now))
        if state == "Closed" and before != "Closed":
            self._at("closed", now)

    def _state(self, row: Row, before: str) -> str:
        state = row["incident_state"]
        return before if state in NULLS | JUNK_STATES else state

    def _holder(self, row: Row) -> Holder:
        return (_known(row["assignment_group"]), _known(row["assigned_to"]))

    def _at(self, kind: Kind, time_ms: int) -> int:
        """The time of a fact, moved if its order in this instant would be lost."""
        self.oracle.event_types[f"ticket.{kind}"] += 1
        before_ms, before_rank = self.last
        if time_ms <= before_ms:
            time_ms = before_ms if RANKS[kind] > before_rank else before_ms + 1
        self.last = (time_ms, RANKS[kind])
        return time_ms

    def _assign(self, time_ms: int, new: Holder, *, counted: bool) -> None:
        """The log counts reassignments itself; they belong to whoever hands over."""
        if counted:
            self.transferred = True
            self.oracle.reassigned_events[self.holder[0]] += 1
        self.holder = new
        self.holders.append((time_ms, new))

    def _resolve(self, time_ms: int) -> None:
        if self.is_resolved:
            return
        self.is_resolved = True
        self.resolver = self.holder
        self.oracle.resolved_events[self.holder[0]] += 1
        elapsed = time_ms - self.opened_ms
        self.last_resolution = (self.holder, elapsed)
        if self.first_resolution is None:
            self.first_resolution = self.last_resolution

    def _reopen(self, time_ms: int) -> None:
        if not self.is_resolved:
            return
        self.is_resolved = False
        self.was_reopened = True
        self.oracle.reopened_events[self.resolver[0]] += 1

    def _finish(self, response: tuple[int, Row] | None) -> None:
        oracle = self.oracle
        opening = self.opening_holder
        oracle.opened[opening[0]] += 1
        oracle.reassigned_tickets[opening[0]] += self.transferred
        oracle.resolved_tickets[opening[0]] += self.is_resolved
        if self.first_resolution is not None and self.last_resolution is not None:
            (department, employee), elapsed = self.first_resolution
            oracle.first_resolution.add(department, employee, elapsed)
            oracle.reopened_tickets[department] += self.was_reopened
            (department, employee), elapsed = self.last_resolution
            oracle.last_resolution.add(department, employee, elapsed)
        if response is not None:
            self._respond(*response)

    def _respond(self, time_ms: int, row: Row) -> None:
        """The response counts for whoever holds the ticket after everything of its instant."""
        self.oracle.event_types["response.sent"] += 1
        holder = self.opening_holder
        for assigned_ms, new in self.holders:
            if assigned_ms <= time_ms:
                holder = new
        employee = _known(row["assigned_to"]) or holder[1]
        self.oracle.first_response.add(holder[0], employee, time_ms - self.opened_ms)
