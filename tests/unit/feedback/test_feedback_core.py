"""The rules of feedback."""

from datetime import date

import pytest

from services.feedback.core.mentions import mentions
from services.feedback.core.periods import is_due, is_period, months_before
from services.feedback.core.results import (
    EmployeeFigures,
    PeriodResults,
    digest,
    encode_figures,
    named,
)
from shared.contracts.figures import Figure


@pytest.mark.parametrize("text", ["2026-01", "2025-12", "1970-01"])
def test_a_month_is_a_period(text: str) -> None:
    assert is_period(text)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "26-01", "2026-01\n", "0001-01"])
def test_anything_else_is_no_period(text: str) -> None:
    assert not is_period(text)


def test_the_months_before_cross_the_year() -> None:
    assert months_before(date(2026, 2, 15), 3) == ["2025-11", "2025-12", "2026-01"]


@pytest.mark.parametrize(
    ("closed", "hours_later", "due"), [(True, 24, True), (True, 23, False), (False, 48, False)]
)
def test_a_period_is_due_when_closed_and_after_the_grace(
    closed: bool, hours_later: int, due: bool
) -> None:
    now_ms = 1_000_000 + hours_later * 3_600_000
    assert is_due(closed=closed, end_ms=1_000_000, now_ms=now_ms, grace_hours=24) is due


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@li.na well done", ["li.na"]),
        ("thanks @li.na.", ["li.na"]),
        ("@李娜，做得好 @王伟", ["李娜", "王伟"]),
        ('see @"Li Na" and @bo', ["Li Na", "bo"]),
        ("@a @b @a", ["a", "b"]),
        ("mail me at li.na@example.com", []),
        ("@ nobody, @@, @", []),
        ("(@li-na)", ["li-na"]),
        ('@"  " is nobody', []),
        ("x" * 3000 + " @end", ["end"]),
    ],
)
def test_a_comment_speaks_to_whom_it_mentions(text: str, names: list[str]) -> None:
    assert mentions(text) == names


def test_a_comment_speaks_to_a_bounded_number_of_people() -> None:
    assert len(mentions(" ".join(f"@p{number}" for number in range(500)))) == 50


def results(**changes: object) -> PeriodResults:
    fields: dict[str, object] = {
        "period": "2026-01",
        "zone": "Asia/Shanghai",
        "start_ms": 0,
        "end_ms": 1,
        "closed": True,
        "rule_version": "1",
        "items": [],
    }
    return PeriodResults(**{**fields, **changes})  # type: ignore[arg-type]  # fields by name


FIGURES = [Figure(indicator="csat", n=5, value=0.8), Figure(indicator="resolution_time", n=2)]


def mark(given: PeriodResults, team: str = "t", figures: list[Figure] = FIGURES) -> bytes:
    item = EmployeeFigures("d", team, "e", figures)
    return digest(given, item, encode_figures(figures))


def test_the_order_of_figures_makes_no_new_revision() -> None:
    assert mark(results()) == mark(results(), figures=FIGURES[::-1])


def test_other_figures_rules_team_or_state_make_a_new_revision() -> None:
    changed = [Figure(indicator="csat", n=6, value=0.8), FIGURES[1]]
    marks = {
        mark(results()),
        mark(results(), figures=changed),
        mark(results(rule_version="2")),
        mark(results(closed=False)),
        mark(results(), team="u"),
    }
    assert len(marks) == 5


def test_stored_figures_come_back_with_names_in_both_languages() -> None:
    (csat, resolution) = named(encode_figures(FIGURES))
    assert (csat.indicator, csat.n, csat.value) == ("csat", 5, 0.8)
    assert (resolution.name.en, resolution.name.zh, resolution.unit) == (
        "Resolution time",
        "解决时长",
        "ms",
    )


def test_an_indicator_of_another_release_keeps_its_id_as_its_name() -> None:
    (figure,) = named(encode_figures([Figure(indicator="of-a-later-version", n=1)]))
    assert figure.name.en == "of-a-later-version"
