"""What may happen to tickets, to be drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

COURSE: Final[Sequence[tuple[str, dict[str, Any]]]] = (
    ("ticket.assigned", {}),
    ("response.sent", {"sender": "employee"}),
    ("ticket.customer_replied", {}),
    ("ticket.waiting", {"on": "customer"}),
    ("ticket.resumed", {}),
    ("ticket.resolved", {}),
    ("ticket.reopened", {}),
    ("ticket.handled", {"duration_ms": 90_000, "cost_minor": 700}),
    ("survey.sent", {"kind": "csat"}),
    ("survey.answered", {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 4}),
)


def holder_of(chance: random.Random) -> dict[str, str]:
    return {
        "department": chance.choice(("stores", "after-sales")),
        "team": f"team-{chance.randint(0, 3)}",
        "employee": f"employee-{chance.randint(0, 9)}",
    }
