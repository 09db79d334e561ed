"""Small logs of the same shape and the same dirt as the sample data, for where those are absent."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

SERVICENOW_FIELDS = (
    "number",
    "incident_state",
    "active",
    "reassignment_count",
    "reopen_count",
    "sys_mod_count",
    "made_sla",
    "caller_id",
    "opened_at",
    "sys_updated_at",
    "contact_type",
    "category",
    "priority",
    "assignment_group",
    "assigned_to",
    "resolved_by",
    "resolved_at",
    "closed_at",
)
ECOMMERCE_FIELDS = (
    "Unique id",
    "channel_name",
    "category",
    "Customer Remarks",
    "Issue_reported at",
    "issue_responded",
    "Survey_response_Date",
    "connected_handling_time",
    "Agent_name",
    "Supervisor",
    "Manager",
    "CSAT Score",
)
START = datetime(2016, 2, 29, 1, 0, tzinfo=UTC)
STATES = ("Active", "Awaiting User Info", "Awaiting Vendor", "New")


def servicenow_log(folder: Path, seed: int, cases: int = 150) -> Path:
    """A gzipped audit log, by case, with every kind of dirt of the real one."""
    random = Random(seed)
    path = folder / f"servicenow-{seed}.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, SERVICENOW_FIELDS)
        table.writeheader()
        for number in range(cases):
            rows = _incident(f"INC{number:07d}", random)
            if random.random() < 0.1:
                random.shuffle(rows)
            table.writerows(rows)
    return path


def _incident(number: str, random: Random) -> list[dict[str, str]]:
    opened = START + timedelta(minutes=random.randrange(30_000))
    now = opened + timedelta(minutes=random.choice([0, 3, 20, -90]))
    reassignments = reopenings = modifications = 0
    group, assignee = _group(random), _assignee(random)
    rows = []
    state = random.choice(["New", "New", "Active", "Resolved"])
    for _ in range(random.randrange(2, 12)):
        shown = "-100" if random.random() < 0.05 else state
        rows.append(
            _row(number, shown, opened, now, (reassignments, reopenings, modifications))
            | {"assignment_group": group, "assigned_to": assignee}
        )
        modifications += random.choice([1, 1, 2])
        now += timedelta(minutes=random.choice([0, 0, 1, 45, 600]))
        if random.random() < 0.3:
            group, reassignments = _group(random), reassignments + 1
        if random.random() < 0.3:
            assignee = _assignee(random)
        before, state = state, _next_state(state, random)
        if before in {"Resolved", "Closed"} and state not in {"Resolved", "Closed"}:
            reopenings += 1
    return rows


def _next_state(state: str, random: Random) -> str:
    if state == "Resolved":
        return random.choice(["Resolved", "Closed", "Closed", "Active"])
    if state == "Closed":
        return random.choice(["Closed", "Closed", "Closed", "Active"])
    return random.choice([state, "Resolved", "Resolved", *STATES, "Closed"])


def _row(
    number: str, state: str, opened: datetime, now: datetime, counts: tuple[int, int, int]
) -> dict[str, str]:
    spelling = "{0.day}/{0.month}/{0.year} {0:%H:%M}" if now.day % 2 else "{0:%d-%m-%Y %H:%M}"
    return {
        "number": number,
        "incident_state": state,
        "active": "true",
        "reassignment_count": str(counts[0]),
        "reopen_count": str(counts[1]),
        "sys_mod_count": str(counts[2]),
        "made_sla": "true",
        "caller_id": "?",
        "opened_at": spelling.format(opened),
        "sys_updated_at": spelling.format(now),
        "contact_type": "Phone",
        "category": "?" if counts[2] % 7 == 6 else f"Category {opened.minute % 5}",
        "priority": "3 - Moderate",
        "resolved_by": "?",
        "resolved_at": "?",
        "closed_at": "?",
    }


def _group(random: Random) -> str:
    return random.choice(["Group 1", "Group 2", "Group 3", "?"])


def _assignee(random: Random) -> str:
    return random.choice(["Resolver 1", "Resolver 2", "Resolver 3", "?", "?"])


def ecommerce_log(folder: Path, seed: int, contacts: int = 300) -> Path:
    """A gzipped log of contacts, some with a lost response time."""
    random = Random(seed)
    path = folder / f"ecommerce-{seed}.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, ECOMMERCE_FIELDS)
        table.writeheader()
        table.writerows(_contact(number, random) for number in range(contacts))
    return path


def _contact(number: int, random: Random) -> dict[str, str]:
    reported = START + timedelta(minutes=random.randrange(20_000))
    responded = reported + timedelta(minutes=random.choice([0, 2, 6, 500]))
    if random.random() < 0.05:
        responded = responded.replace(hour=0, minute=0)
    agent = random.randrange(12)
    return {
        "Unique id": f"contact-{number}",
        "channel_name": random.choice(["Inbound", "Outcall", "Email"]),
        "category": random.choice(["Returns", "Order Related"]),
        "Customer Remarks": random.choice(["", "good, thanks", 'they said "soon"\nand were late']),
        "Issue_reported at": f"{reported:%d/%m/%Y %H:%M}",
        "issue_responded": f"{responded:%d/%m/%Y %H:%M}",
        "Survey_response_Date": f"{responded:%d-%b-%y}",
        "connected_handling_time": random.choice(["", "", "303.0", "0.0"]),
        "Agent_name": f"Agent {agent}",
        "Supervisor": f"Supervisor {agent % 3}",
        "Manager": "Manager",
        "CSAT Score": str(random.choice([1, 2, 3, 4, 5, 5])),
    }
