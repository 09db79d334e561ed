"""Panes, the recorded numbers and the recomputation of a log are three ways to the same sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy.local.stack import LocalStack, StackOptions
from tests.system import percentiles, settling, totals
from tests.system.logs import Log, made_up_incidents
from tests.system.replaying import replay

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DAYS_IN_PANES = 55
"""Fewer than panes are kept for, and more than the log covers."""


@dataclass(frozen=True)
class Measured:
    """What was counted, by way of `measurements`."""

    bootstrap: str
    dsn: str
    log: Log
    counted: totals.Totals

    @property
    def days(self) -> totals.Days:
        return totals.last_days(self.dsn, DAYS_IN_PANES)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("panes")
    log = made_up_incidents(folder)
    with LocalStack.temporary(StackOptions(only=frozenset({"ingest", "measure", "recorder"}))) as s:
        replay(s, log.path, log.mapping, folder / "replay", "--shuffle-within", "2h")
        found = settling.settle(s.bootstrap_servers, s.dsn("scoring"))
        yield Measured(s.bootstrap_servers, s.dsn("scoring"), log, found)


def test_a_shuffled_log_ends_in_the_figures_of_the_recomputation(measured: Measured) -> None:
    assert totals.differences(measured.counted, measured.log.oracle) == {}


def test_the_days_of_panes_hold_what_the_recorded_numbers_add_up_to(measured: Measured) -> None:
    panes = totals.summed_panes(measured.bootstrap, measured.days)
    recorded = totals.with_organisation(totals.recorded(measured.dsn))
    assert totals.without_gauges(panes) == totals.without_gauges(recorded)


def test_the_backlog_in_panes_is_that_of_the_recorded_changes(measured: Measured) -> None:
    panes = totals.summed_panes(measured.bootstrap)
    recorded = totals.with_organisation(totals.recorded(measured.dsn))
    assert totals.gauges(panes) == totals.gauges(recorded)


@pytest.mark.parametrize("indicator", ["resolution_time", "first_response_time"])
def test_percentiles_of_panes_are_within_one_percent_of_the_exact_ones(
    measured: Measured, indicator: str
) -> None:
    exact = percentiles.exact(measured.dsn, indicator, measured.days)
    sketched = percentiles.sketched(measured.bootstrap, indicator, measured.days)
    assert sketched == pytest.approx(exact, rel=0.01)
