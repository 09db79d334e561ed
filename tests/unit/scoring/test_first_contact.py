"""Whether a ticket was resolved at first contact."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.scoring.engine_events import event, measure
from tests.unit.scoring.measured import rows
from tests.unit.scoring.rule_texts import history

T = "T-1"
OPENED = event("ticket.opened", T, 0, {"department": "stores", "employee": "li.na"})
RESOLVED = event("ticket.resolved", T, 10)
WEEK = 7 * 24 * 60


def goods(*events: dict[str, Any]) -> list[int]:
    flush = measure(history(), [OPENED, *events])
    return [row.good for row in rows(flush, "first_contact_resolution") if row.sign == 1]


def reopened(after: float) -> dict[str, Any]:
    return event("ticket.reopened", T, 10 + after)


def test_a_ticket_without_a_resolution_is_no_case() -> None:
    assert goods() == []


def test_a_resolution_is_good_until_the_ticket_is_reopened() -> None:
    assert goods(RESOLVED) == [1]


@pytest.mark.parametrize(("after", "good"), [(1, 0), (WEEK - 1, 0), (WEEK, 1), (WEEK + 5, 1)])
def test_a_reopening_counts_within_a_week(after: float, good: int) -> None:
    assert goods(RESOLVED, reopened(after)) == [good]


def test_only_the_first_resolution_and_the_first_reopening_decide() -> None:
    again = event("ticket.resolved", T, 10 + WEEK + 10)
    assert goods(RESOLVED, reopened(WEEK + 5), again, reopened(WEEK + 20)) == [1]


def test_the_credit_is_that_of_whoever_resolved_first() -> None:
    moved = event("ticket.assigned", T, 30, {"department": "stores", "employee": "sun.li"})
    history_of = [OPENED, RESOLVED, reopened(5), moved, event("ticket.resolved", T, 60)]
    flush = measure(history(), history_of)
    assert {row.employee for row in rows(flush, "first_contact_resolution")} == {"li.na"}
