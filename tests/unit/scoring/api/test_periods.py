"""A period is a calendar month in the organisation's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.scoring.api.periods import PeriodError, employees, parse_period

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


def test_an_employee_has_one_item_with_all_figures() -> None:
    (item,) = employees(
        [
            row("csat", 10, 9, 10),
            row("resolution_time", 2, 1, 30, 500.0),
            row("tickets_opened", 3, 0, 3),
        ]
    )
    assert (item["department"], item["team"], item["employee"]) == ("it", "x", "ann")
    csat, time, opened = item["figures"]
    assert (csat.n, csat.value, csat.p50) == (10, 0.9, None)
    assert csat.low < 0.9 < csat.high
    assert (time.n, time.value, time.p50, time.total) == (2, 15.0, 10, 30)
    assert time.high - time.value == pytest.approx(1.959964 * 50**0.5 / 2**0.5)
    assert (opened.n, opened.value, opened.low) == (3, 3.0, None)
