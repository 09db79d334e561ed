"""What the oracles tell, and the little arithmetic that they share."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

K = TypeVar("K")
DAY_MS = 86_400_000
UNKNOWN = ""

Employee = tuple[str, str]
"""Department and employee: figures are kept where they were earned."""


def percentile(values: list[int], share: float) -> int:
    """The smallest value that at least ``share`` of the values do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 1000) // 1000)
    return ordered[max(0, rank - 1)]


@dataclass
class Durations:
    """Milliseconds by department and by employee."""

    by_department: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_employee: dict[Employee, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, department: str, employee: str, value_ms: int) -> None:
        self.by_department[department].append(value_ms)
        self.by_employee[department, employee].append(value_ms)

    @property
    def all(self) -> list[int]:
        return [value for values in self.by_department.values() for value in values]

    @property
    def sums(self) -> dict[str, int]:
        """Total by department."""
        return {name: sum(values) for name, values in self.by_department.items()}

    def within(self, limit_ms: int) -> dict[str, tuple[int, int]]:
        """How many do not exceed the limit, and how many there are, by department."""
        return {
            name: (sum(value <= limit_ms for value in values), len(values))
            for name, values in self.by_department.items()
        }


@dataclass
class Answers:
    """Good answers and all answers, by department, team and employee."""

    by_department: dict[str, tuple[int, int]] = field(default_factory=dict)
    by_team: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    by_employee: dict[Employee, tuple[int, int]] = field(default_factory=dict)

    def add(self, department: str, team: str, employee: str, *, good: bool) -> None:
        _count(self.by_department, department, good=good)
        _count(self.by_team, (department, team), good=good)
        _count(self.by_employee, (department, employee), good=good)


def _count(table: dict[K, tuple[int, int]], key: K, *, good: bool) -> None:
    hits, total = table.get(key, (0, 0))
    table[key] = (hits + good, total + 1)


@dataclass
class Oracle:
    """The figures of one log. Counters are by department; "" is an unknown department."""

    rows: int = 0
    tickets: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    reassigned_events: Counter[str] = field(default_factory=Counter)
    reassigned_tickets: Counter[str] = field(default_factory=Counter)
    resolved_events: Counter[str] = field(default_factory=Counter)
    resolved_tickets: Counter[str] = field(default_factory=Counter)
    reopened_events: Counter[str] = field(default_factory=Counter)
    reopened_tickets: Counter[str] = field(default_factory=Counter)
    first_resolution: Durations = field(default_factory=Durations)
    last_resolution: Durations = field(default_factory=Durations)
    first_response: Durations = field(default_factory=Durations)
    responses_lost: int = 0
    csat: Answers = field(default_factory=Answers)
    event_types: Counter[str] = field(default_factory=Counter)


def sample(folder: str) -> Path | None:
    """The sample log of that folder, where the sample data lie beside the checkout or where
    ``BELLWETHER_SAMPLE_DATA`` says; None where there are none."""
    root = os.environ.get("BELLWETHER_SAMPLE_DATA")
    home = Path(root) if root else Path(__file__).resolve().parents[3] / "shared" / "data"
    return next(iter(sorted((home / folder).glob("*.csv.gz"))), None)
