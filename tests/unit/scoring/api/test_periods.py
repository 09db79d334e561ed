"""A period is a calendar month in the organisation's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.scoring.api.periods import PERIOD_INDICATORS, PeriodError, employees, parse_period

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]  # year to minute


@pytest.mark.parametrize(
    ("text", "zone", "start", "end"),
    [
        ("2026-01", SHANGHAI, ms(2025, 12, 31, 16), ms(2026, 1, 31, 16)),
        ("2026-12", SHANGHAI, ms(2026, 11, 30, 16), ms(2026, 12, 31, 16)),
        ("2026-03", BERLIN, ms(2026, 2, 28, 23), ms(2026, 3, 31, 22)),
    ],
)
def test_a_month_begins_and_ends_at_the_zones_midnight(
    text: str, zone: ZoneInfo, start: int, end: int
) -> None:
    assert parse_period(text, zone)[1:] == (start, end)


@pytest.mark.parametrize(
    "text", ["2026", "2026-13", "2026-00", "2026-1", "x", "0000-01", "2026-01 "]
)
def test_other_texts_are_no_month(text: str) -> None:
    with pytest.raises(PeriodError, match="2026-01"):
        parse_period(text, SHANGHAI)


def row(indicator: str, n: int, good: int, total: int, squares: float = 0.0) -> dict[str, object]:
    return {
        "department": "it",
        "employee": "ann",
        "team": "x",
        "indicator": indicator,
        "n": n,
        "good": good,
        "total": total,
        "squares": squares,
        "p50": 10,
        "p90": 20,
        "p95": 20,
        "p99": 20,
    }


JANUARY = parse_period("2026-01", SHANGHAI)


def items(
    *rows: dict[str, object], later_ms: int = 0, on_duty_ms: int | None = None
) -> list[dict[str, Any]]:
    return employees(rows, JANUARY, now_ms=JANUARY.end_ms + later_ms, on_duty_ms=on_duty_ms)


def test_an_employee_has_one_item_with_all_figures() -> None:
    (item,) = items(
        row("csat", 10, 9, 10),
        row("resolution_time", 2, 1, 30, 500.0),
        row("tickets_opened", 3, 0, 3),
    )
    assert (item["department"], item["team"], item["employee"]) == ("it", "x", "ann")
    csat, time, opened = item["figures"]
    assert (csat.n, csat.value, csat.p50) == (10, 0.9, None)
    assert csat.low < 0.9 < csat.high
    assert (time.n, time.value, time.p50, time.total) == (2, 15.0, 10, 30)
    assert time.high - time.value == pytest.approx(1.959964 * 50**0.5 / 2**0.5)
    assert (opened.n, opened.value, opened.low) == (3, 3.0, None)


def test_ratings_and_balances_are_read_in_their_unit() -> None:
    (item,) = items(
        row("peer_review", 4, 0, 2_000, 1_500_000.0),  # 500, 500, 0 and 1000 per mille
        row("nps", 4, 2, 1, 3.0),
    )
    review, nps = item["figures"]
    assert (review.n, review.value, review.p50) == (4, 0.5, None)
    assert review.high - 0.5 == pytest.approx(1.959964 * (1 / 6) ** 0.5 / 2)
    assert (nps.n, nps.value, nps.good) == (4, 25.0, 2)
    assert nps.low < 25 < nps.high


def test_what_is_derived_comes_of_the_months_time_on_duty() -> None:
    rows = [row("handling_time", 3, 0, 5_400_000, 1e13), row("tickets_resolved", 8, 8, 8)]
    (known,) = items(*rows, on_duty_ms=7_200_000)
    (unknown,) = items(*rows)
    assert [(f.indicator, f.value) for f in known["figures"][2:]] == [
        ("throughput", 4.0),
        ("utilisation", 0.75),
    ]
    assert [f.indicator for f in unknown["figures"]] == ["handling_time", "tickets_resolved"]


@pytest.mark.parametrize(("days", "provisional"), [(6, True), (7, False)])
def test_a_figure_is_provisional_until_its_cases_have_settled(days: int, provisional: bool) -> None:
    (item,) = items(row("first_contact_resolution", 9, 8, 9), later_ms=days * 86_400_000)
    assert item["figures"][0].provisional is provisional


def test_employees_have_no_results_of_what_is_not_theirs() -> None:
    assert {"backlog", "cost_per_ticket", "throughput"} & set(PERIOD_INDICATORS) == set()
