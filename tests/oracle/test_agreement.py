"""The mappings and the scorer together give what a recomputation from the raw file gives."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from deploy.replay.loading import load_mapping
from deploy.replay.plan import Plan, Tally
from deploy.replay.rejects import RejectFile
from deploy.replay.spool import Spool
from tests.oracle import ecommerce, servicenow
from tests.oracle.figures import DAY_MS, Answers, Durations, Oracle, percentile, sample
from tests.oracle.scored import Figure, score
from tests.oracle.synthetic import ecommerce_log, servicenow_log

MAPPINGS = Path(__file__).parents[2] / "deploy" / "mappings"


@dataclass
class Replayed:
    """What the mapping and the scorer made of a log."""

    tally: Tally
    oracle: Oracle = field(default_factory=Oracle)


def replayed(log: Path, mapping: str, folder: Path) -> Replayed:
    result = Replayed(Tally())
    scored = score(events(log, mapping, folder, result))
    book(result.oracle, scored.figures)
    return result


def events(log: Path, mapping: str, folder: Path, result: Replayed) -> Iterator[bytes]:
    loaded = load_mapping(MAPPINGS / mapping).mapping
    with (
        RejectFile(folder / "rejects.csv") as rejects,
        Spool(folder / "spool", loaded.case_columns, loaded.order) as spool,
    ):
        plan = Plan(loaded, log, rejects, 0, Random(0))
        plan.fill(spool)
        result.tally = plan.tally
        yield from (event.body for _, event in spool.events(0))


def book(oracle: Oracle, figures: Iterable[Figure]) -> None:
    """Put the engine's measurements where the recomputation puts its figures."""
    counters = {
        "tickets_opened": oracle.opened,
        "tickets_reassigned": oracle.reassigned_events,
        "tickets_resolved": oracle.resolved_events,
        "tickets_reopened": oracle.reopened_events,
    }
    good_counters = {
        "transfer_rate": oracle.reassigned_tickets,
        "resolution_rate": oracle.resolved_tickets,
        "reopen_rate": oracle.reopened_tickets,
    }
    durations = {
        "first_response_time": oracle.first_response,
        "resolution_time": oracle.first_resolution,
        "resolution_time_last": oracle.last_resolution,
    }
    for f in figures:
        if f.indicator in counters:
            counters[f.indicator][f.department] += f.value
        elif f.indicator in good_counters:
            good_counters[f.indicator][f.department] += f.good
        elif f.indicator in durations:
            durations[f.indicator].add(f.department, f.employee, f.value)
        elif f.indicator == "csat":
            oracle.csat.add(f.department, f.team, f.employee, good=bool(f.good))


def same_durations(mine: Durations, theirs: Durations) -> bool:
    return all(
        {name: sorted(values) for name, values in a.items()}
        == {name: sorted(values) for name, values in b.items()}
        for a, b in (
            (mine.by_department, theirs.by_department),
            (mine.by_employee, theirs.by_employee),
        )
    )


def same_answers(mine: Answers, theirs: Answers) -> bool:
    return mine == theirs


def highest(rows: list[dict[str, str]], counter: str) -> int:
    """What the counter came to in the end, over all cases."""
    ascending = sorted(rows, key=lambda row: int(row[counter]))
    return sum({row["number"]: int(row[counter]) for row in ascending}.values())


def logs(folder: str) -> list[Path | int]:
    """The sample log where there is one, and seeds of synthetic ones."""
    found = sample(folder)
    return [*([found] if found else []), 1, 2, 3]


def origin_name(origin: Path | int) -> str:
    return "sample" if isinstance(origin, Path) else f"synthetic-{origin}"


@pytest.fixture(params=logs("servicenow"), ids=origin_name, scope="module")
def incidents(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Oracle, Replayed]:
    folder = tmp_path_factory.mktemp("servicenow")
    log = (
        request.param if isinstance(request.param, Path) else servicenow_log(folder, request.param)
    )
    return servicenow.recompute(log), replayed(log, "servicenow.yaml", folder)


@pytest.fixture(params=logs("ecommerce"), ids=origin_name, scope="module")
def contacts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Oracle, Replayed]:
    folder = tmp_path_factory.mktemp("ecommerce")
    found = request.param
    log = found if isinstance(found, Path) else ecommerce_log(folder, found)
    return ecommerce.recompute(log), replayed(log, "ecommerce.yaml", folder)


def test_every_incident_becomes_one_ticket_and_no_row_is_lost(
    incidents: tuple[Oracle, Replayed],
) -> None:
    expected, result = incidents
    assert result.tally.rows == expected.rows
    assert result.tally.cases == expected.tickets == result.oracle.opened.total()
    assert result.tally.rejected_rows == result.tally.rejected_events == 0


def test_the_mapping_makes_as_many_events_of_each_type_as_the_log_holds(
    incidents: tuple[Oracle, Replayed],
) -> None:
    expected, result = incidents
    assert result.tally.events == expected.event_types


def test_counts_per_department_equal_the_recomputation(
    incidents: tuple[Oracle, Replayed],
) -> None:
    expected, result = incidents
    for name in (
        "opened",
        "reassigned_events",
        "reassigned_tickets",
        "resolved_events",
        "resolved_tickets",
        "reopened_events",
        "reopened_tickets",
    ):
        assert +getattr(result.oracle, name) == +getattr(expected, name), name


def test_resolution_times_equal_the_recomputation_to_the_millisecond(
    incidents: tuple[Oracle, Replayed],
) -> None:
    expected, result = incidents
    assert result.oracle.first_resolution.sums == expected.first_resolution.sums
    assert same_durations(result.oracle.first_resolution, expected.first_resolution)
    assert same_durations(result.oracle.last_resolution, expected.last_resolution)
    assert result.oracle.first_resolution.within(DAY_MS) == expected.first_resolution.within(DAY_MS)


def test_no_resolution_comes_before_its_opening(incidents: tuple[Oracle, Replayed]) -> None:
    expected, _ = incidents
    assert min(expected.first_resolution.all) >= 0


def test_response_times_equal_the_recomputation(incidents: tuple[Oracle, Replayed]) -> None:
    expected, result = incidents
    assert same_durations(result.oracle.first_response, expected.first_response)


def test_the_shop_has_the_same_answers_for_department_team_and_employee(
    contacts: tuple[Oracle, Replayed],
) -> None:
    expected, result = contacts
    assert same_answers(result.oracle.csat, expected.csat)
    assert result.oracle.opened == expected.opened


def test_lost_response_times_are_counted_and_make_no_response(
    contacts: tuple[Oracle, Replayed],
) -> None:
    expected, result = contacts
    assert result.tally.withheld.total() == expected.responses_lost > 0
    assert result.tally.events == expected.event_types
    assert same_durations(result.oracle.first_response, expected.first_response)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5], 0.9, 5), ([1, 2, 3, 4], 0.5, 2), (list(range(1, 11)), 0.9, 9), ([3, 1, 2], 0.95, 3)],
)
def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(
    values: list[int], share: float, expected: int
) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize("origin", logs("servicenow"), ids=origin_name)
def test_the_counters_of_the_log_itself_say_how_often_it_was_reassigned_and_reopened(
    origin: Path | int, tmp_path: Path
) -> None:
    log = origin if isinstance(origin, Path) else servicenow_log(tmp_path, origin)
    with gzip.open(log, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    last = {counter: highest(rows, counter) for counter in ("reassignment_count", "reopen_count")}
    found = servicenow.recompute(log)
    assert found.reassigned_events.total() == last["reassignment_count"]
    assert found.event_types["ticket.reopened"] == last["reopen_count"]


@pytest.mark.parametrize("origin", logs("servicenow"), ids=origin_name)
def test_the_log_holds_as_many_incidents_as_is_known(origin: Path | int, tmp_path: Path) -> None:
    log = origin if isinstance(origin, Path) else servicenow_log(tmp_path, origin)
    rows, tickets = (40_658, 5_906) if isinstance(origin, Path) else (None, 150)
    found = servicenow.recompute(log)
    assert found.tickets == found.opened.total() == tickets
    assert rows in {None, found.rows}
