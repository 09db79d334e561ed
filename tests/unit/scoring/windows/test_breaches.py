"""A breach needs evidence, patience and a sample, and ends at its own threshold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.scoring.core.breach_watch import BreachWatch, Subject
from services.scoring.core.figures import NOTHING, Measured
from services.scoring.core.intervals import wilson
from services.scoring.core.rules import Selector, Target
from services.scoring.core.verdicts import is_breach, verdict_of
from shared.contracts.breaches import Breach
from shared.contracts.indicators import Text

TARGET = Target(
    id="happy",
    name=Text("Happy", "满意"),
    indicator="csat",
    measure="ratio",
    comparison="at_least",
    limit=0.8,
    clear=0.85,
    within_ms=None,
    window="1h",
    applies_to=(Selector("department", None, None),),
    for_ms=0,
    minimum_sample=25,
    severity="warning",
    evidence="interval",
)
SLOW = replace(TARGET, for_ms=120_000)


def share(good: int, n: int) -> Measured:
    return Measured(n, good / n, *wilson(good, n))


def look(watch: BreachWatch, target: Target, measured: Measured, at_ms: int) -> Breach | None:
    subject = Subject(target, 0, "department:d")
    return watch.look(subject, measured, at_ms=at_ms, received_ms=7, rules="v1")


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (NOTHING, "not_enough_data"),
        (share(24, 24), "not_enough_data"),
        (share(20, 25), "met"),
        (share(19, 25), "missed"),
    ],
)
def test_the_verdict_is_met_missed_or_not_enough_data(measured: Measured, verdict: str) -> None:
    assert verdict_of(TARGET, measured) == verdict


def test_a_breach_needs_the_whole_interval_on_the_wrong_side() -> None:
    assert not is_breach(TARGET, share(19, 25))
    assert is_breach(TARGET, share(180, 250))
    assert is_breach(replace(TARGET, evidence="value"), share(19, 25))


def test_an_open_interval_is_no_evidence() -> None:
    slow = replace(TARGET, measure="p99", comparison="at_most", limit=5.0)
    assert not is_breach(slow, Measured(30, 9.0, None, None))
    assert is_breach(slow, Measured(30, 9.0, 6.0, None))


def test_a_breach_begins_and_ends_once() -> None:
    watch = BreachWatch()
    began = look(watch, TARGET, share(100, 250), 1_000)
    assert began is not None
    assert (began.transition, began.started_ms, began.at_ms, began.n) == (
        "breached",
        1_000,
        1_000,
        250,
    )
    assert look(watch, TARGET, share(90, 250), 2_000) is None
    ended = look(watch, TARGET, share(249, 250), 3_000)
    assert ended is not None
    assert (ended.transition, ended.id, ended.started_ms) == ("cleared", began.id, 1_000)
    assert look(watch, TARGET, share(249, 250), 4_000) is None


def test_a_figure_between_limit_and_clear_threshold_ends_nothing() -> None:
    watch = BreachWatch()
    look(watch, TARGET, share(100, 250), 0)
    assert look(watch, TARGET, share(82, 100), 1) is None
    assert watch.is_breached("happy|department:d|1h")


def test_a_sample_that_became_small_but_stays_bad_ends_nothing() -> None:
    watch = BreachWatch()
    look(watch, TARGET, share(100, 250), 0)
    assert look(watch, TARGET, share(1, 5), 1) is None


def test_a_window_without_data_ends_a_breach() -> None:
    watch = BreachWatch()
    look(watch, TARGET, share(100, 250), 0)
    ended = look(watch, TARGET, NOTHING, 1)
    assert ended is not None
    assert (ended.transition, ended.value, ended.n) == ("cleared", None, 0)


def test_a_breach_waits_until_it_has_lasted_as_long_as_the_target_asks() -> None:
    watch = BreachWatch()
    assert look(watch, SLOW, share(100, 250), 1_000) is None
    assert watch.next_due() == 121_000
    assert look(watch, SLOW, share(100, 250), 120_999) is None
    began = look(watch, SLOW, share(100, 250), 121_000)
    assert began is not None
    assert (began.started_ms, began.at_ms) == (1_000, 121_000)
    assert watch.next_due() is None


def test_a_short_dip_begins_the_wait_anew() -> None:
    watch = BreachWatch()
    look(watch, SLOW, share(100, 250), 0)
    look(watch, SLOW, share(249, 250), 60_000)
    assert look(watch, SLOW, share(100, 250), 119_000) is None
    assert look(watch, SLOW, share(100, 250), 121_000) is None
    assert look(watch, SLOW, share(100, 250), 239_000) is not None


def test_the_log_restores_what_is_in_breach_and_nothing_is_repeated() -> None:
    before = BreachWatch()
    began = look(before, TARGET, share(100, 250), 1_000)
    assert began is not None
    after = BreachWatch([began])
    assert look(after, TARGET, share(100, 250), 2_000) is None
    ended = look(after, TARGET, share(249, 250), 3_000)
    assert ended is not None
    assert ended.id == began.id
    assert BreachWatch([began, ended]).active == []


def test_the_id_tells_one_breach_from_the_next() -> None:
    watch = BreachWatch()
    first = look(watch, TARGET, share(100, 250), 1_000)
    look(watch, TARGET, share(249, 250), 2_000)
    second = look(watch, TARGET, share(100, 250), 3_000)
    assert first is not None
    assert second is not None
    assert first.id != second.id
