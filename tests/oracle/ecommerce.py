"""The figures of the online shop's log, recomputed from the raw file with the csv module.

Times carry no zone and are read as UTC. Every definition is that of docs/mapping-ecommerce.md.
"""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

from tests.oracle.figures import Oracle

DEPARTMENT = "customer-service"


def recompute(log: Path) -> Oracle:
    """Read the whole log."""
    oracle = Oracle()
    opener = gzip.open if log.suffix == ".gz" else open
    with opener(log, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            oracle.rows += 1
            _contact(oracle, row)
    oracle.tickets = oracle.rows
    return oracle


def _contact(oracle: Oracle, row: dict[str, str]) -> None:
    employee, team = row["Agent_name"], row["Supervisor"]
    oracle.event_types["ticket.opened"] += 1
    oracle.opened[DEPARTMENT] += 1
    _response(oracle, row, employee)
    if row["CSAT Score"] and row["Survey_response_Date"]:
        good = int(row["CSAT Score"]) >= 4
        oracle.event_types["survey.answered"] += 1
        oracle.csat.add(DEPARTMENT, team, employee, good=good)
    if row["connected_handling_time"] and float(row["connected_handling_time"]) > 0:
        oracle.event_types["ticket.handled"] += 1


def _response(oracle: Oracle, row: dict[str, str], employee: str) -> None:
    """A response at exactly 00:00, or before the report, says that its time was lost."""
    if not row["issue_responded"]:
        return
    reported, responded = _ms(row["Issue_reported at"]), _ms(row["issue_responded"])
    if row["issue_responded"].endswith(" 00:00") or responded < reported:
        oracle.responses_lost += 1
        return
    oracle.event_types["response.sent"] += 1
    oracle.first_response.add(DEPARTMENT, employee, responded - reported)


def _ms(text: str) -> int:
    date, clock = text.split(" ")
    day, month, year = map(int, date.split("/"))
    hour, minute = map(int, clock.split(":"))
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1000
