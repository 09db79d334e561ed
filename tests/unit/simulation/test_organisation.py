"""The organisation that is simulated is a file that anybody can change."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from deploy.replay.errors import FileError, MappingError
from deploy.simulation.organisation import DEFAULT_FILE, Delay, Team, load_organisation
from deploy.simulation.ticket import draw
from tests.unit.simulation.stories import LIVE_MS, simulation, tell

SMALL = """\
zone: Europe/Berlin
departments:
  help:
    share: 1
    channels: {phone: 1}
    categories: {other: 1}
    first_response: {median: 30, p90: 90}
    resolution: {median: 60, p90: 120}
    satisfied: 0.9
    teams:
      one: {hours: [8, 16], employees: [Ann]}
"""


def test_the_shipped_organisation_has_the_departments_that_the_targets_speak_of() -> None:
    assert set(load_organisation().departments) == {
        "customer-service",
        "after-sales",
        "technical-support",
        "stores",
    }


@pytest.mark.parametrize("hour", range(24))
def test_somebody_is_on_duty_at_every_hour_in_every_department(hour: int) -> None:
    for department in load_organisation().departments.values():
        assert any(team.on_duty(hour) for team in department.teams.values())


def test_a_small_organisation_of_ones_own_can_be_simulated(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, "utf-8")
    story = tell(LIVE_MS, simulation(organisation=load_organisation(file)))
    assert {event.data.employee for _, event in story.of("TicketAssigned")} == {"Ann"}


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("share: 1", "share: 0", 4, "greater than 0"),
        ("p90: 90", "p90: 9", 7, "p90 over its median"),
        ("zone: Europe/Berlin", "zone: Berlin", 1, "no time zone"),
        ("satisfied: 0.9", "satisfied: 90", 9, "less than or equal to 1"),
        ("    share: 1\n", "", 3, "needs the key share"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(SMALL.replace(old, new), "utf-8")
    with pytest.raises(MappingError) as caught:
        load_organisation(file)
    assert [problem.line for problem in caught.value.problems] == [line]
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        load_organisation(tmp_path / "none.yaml")


def test_a_night_shift_passes_midnight() -> None:
    night = Team(hours=[22, 6], employees=["Bo"])
    assert [hour for hour in range(24) if night.on_duty(hour)] == [0, 1, 2, 3, 4, 5, 22, 23]


def test_a_delay_has_the_median_and_the_90th_percentile_that_it_says() -> None:
    random = Random(1)
    drawn = sorted(draw(Delay(median=60, p90=180), 1.0, random) for _ in range(20_000))
    assert drawn[10_000] == pytest.approx(60, rel=0.05)
    assert drawn[18_000] == pytest.approx(180, rel=0.05)


def test_the_shipped_file_is_utf8_and_small() -> None:
    assert len(DEFAULT_FILE.read_text("utf-8")) < 10_000
