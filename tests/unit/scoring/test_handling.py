"""What handling takes and costs."""

from __future__ import annotations

from typing import Any

import pytest

from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.scopes import SCOPE_KINDS
from tests.unit.scoring.engine_events import cells, event, measure
from tests.unit.scoring.measured import minutes, rows, standing
from tests.unit.scoring.rule_texts import EVERYTHING, history

RULES = history(EVERYTHING)
T = "T-1"
STORES = {"department": "stores", "team": "north", "employee": "li.na"}
OPENED = event("ticket.opened", T, 0, {**STORES, "channel": "phone"})


def handled(at: float, duration_ms: int, **data: Any) -> dict[str, Any]:
    return event("ticket.handled", T, at, {"duration_ms": duration_ms, **data})


def test_each_segment_is_booked_when_it_ends_for_whoever_worked() -> None:
    flush = measure(RULES, [OPENED, handled(9, 240_000), handled(30, 60_000, employee="sun.li")])
    opened_ms = rows(flush, "tickets_opened")[0].time_ms
    assert [
        (row.value, row.employee, row.time_ms - opened_ms) for row in rows(flush, "handling_time")
    ] == [(240_000, "li.na", minutes(9)), (60_000, "sun.li", minutes(30))]


def test_measured_handling_counts_only_where_no_segment_is_known() -> None:
    data = {"metric": "handling_time", "duration_ms": 5000}
    by_source = [event("response.measured", T, at, data, id=f"m{at}") for at in (3, 50)]
    alone = measure(RULES, [OPENED, *by_source])
    both = measure(RULES, [OPENED, *by_source, handled(9, 240_000)])
    assert standing([alone], "handling_time") == [5000, 5000]
    assert standing([both], "handling_time") == [240_000]


def test_a_measured_resolution_time_counts_once_and_only_where_no_resolution_is_known() -> None:
    data = {"metric": "resolution_time", "duration_ms": 5000}
    by_source = [event("response.measured", T, at, data, id=f"m{at}") for at in (3, 50)]
    alone = measure(RULES, [OPENED, *by_source])
    both = measure(RULES, [OPENED, *by_source, event("ticket.resolved", T, 9)])
    assert standing([alone], "resolution_time") == [5000]
    assert standing([both], "resolution_time") == [minutes(9)]


def test_a_ticket_costs_what_its_handling_and_its_share_cost() -> None:
    flush = measure(
        RULES,
        [
            OPENED,
            handled(9, 1, cost_minor=1_000, currency="CNY"),
            handled(90, 1, cost_minor=70),
        ],
    )
    assert standing([flush], "cost_per_ticket") == [250 + 1_070]
    opened = rows(flush, "tickets_opened")[0]
    assert {row.time_ms for row in rows(flush, "cost_per_ticket")} == {opened.time_ms}


def test_a_ticket_without_handling_costs_its_share() -> None:
    assert standing([measure(RULES, [OPENED])], "cost_per_ticket") == [250]


def test_a_cost_in_another_currency_is_counted_and_not_mixed_in() -> None:
    flush = measure(RULES, [OPENED, handled(9, 1, cost_minor=1_000, currency="USD")])
    assert standing([flush], "cost_per_ticket") == [250]
    assert standing([flush], "handling_time") == [1]
    assert flush.counts.anomalies == {"other_currency": 1}


def test_without_a_currency_in_the_rules_no_cost_is_measured() -> None:
    flush = measure(history(), [OPENED, handled(9, 1, cost_minor=1_000, currency="USD")])
    assert rows(flush, "cost_per_ticket") == []
    assert flush.counts.anomalies == {}


def test_an_excluded_segment_costs_nothing() -> None:
    exclude = {"action": "exclude", "event_id": "h", "reason": "entered twice"}
    segment = event("ticket.handled", T, 9, {"duration_ms": 1, "cost_minor": 70}, id="h")
    flush = measure(RULES, [OPENED, segment, event("ticket.corrected", T, 60, exclude)])
    assert standing([flush], "cost_per_ticket") == [250]
    assert standing([flush], "handling_time") == []


@pytest.mark.parametrize(
    ("indicator", "has"), [("cost_per_ticket", False), ("handling_time", True)]
)
def test_cost_is_nobodys_own(indicator: str, has: bool) -> None:
    held = cells(RULES, [measure(RULES, [OPENED, handled(9, 1, cost_minor=70)])])
    place = INDICATOR_IDS.index(indicator)
    kinds = {SCOPE_KINDS[key[3]] for key in held if key[5] == place}
    assert ("employee" in kinds) == has
    assert {"organisation", "department", "team", "channel"} <= kinds
