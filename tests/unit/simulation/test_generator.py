"""The simulated stream obeys the contract, the asked rate, the clock and its seed."""

from __future__ import annotations

from collections import Counter

import pytest

from deploy.simulation.organisation import load_organisation
from tests.oracle.scored import score
from tests.unit.simulation.stories import HOUR_MS, LIVE_MS, MINUTE_MS, Story, simulation, tell


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(LIVE_MS + HOUR_MS, simulation())


def bodies(seed: int, steps: int) -> list[bytes]:
    source = simulation(seed=seed, rate=5)
    times = [LIVE_MS - HOUR_MS + (2 * HOUR_MS * step) // steps for step in range(1, steps + 1)]
    return [event.body for now in times for event in source.events_until(now)]


def test_the_same_seed_tells_the_same_story_however_time_is_cut() -> None:
    assert bodies(1, steps=1) == bodies(1, steps=500)


def test_another_seed_tells_another_story() -> None:
    assert bodies(1, steps=1) != bodies(2, steps=1)


def test_time_never_goes_back_and_never_runs_ahead_of_the_clock(story: Story) -> None:
    times = [at for at, _ in story.events]
    assert times == sorted(times)
    source = simulation(past_ms=MINUTE_MS)
    now = LIVE_MS - MINUTE_MS
    for _ in range(200):
        now += 777
        assert all(event.at_ms <= now for event in source.events_until(now))


def test_every_event_has_an_id_of_its_own(story: Story) -> None:
    ids = [event.id for _, event in story.events]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("rate", "minutes"), [(2.0, 240), (20.0, 60), (60.0, 25)])
def test_the_live_stream_keeps_the_asked_rate_on_average(rate: float, minutes: int) -> None:
    source = simulation(rate=rate, past_ms=20 * MINUTE_MS)
    settled = LIVE_MS + 15 * MINUTE_MS
    for _ in source.events_until(settled):
        pass
    count = sum(1 for _ in source.events_until(settled + minutes * MINUTE_MS))
    assert count / (minutes * 60) == pytest.approx(rate, rel=0.1)


def test_the_far_past_is_thin_and_the_last_minutes_of_it_are_not(story: Story) -> None:
    far = [at for at, _ in story.events if at < LIVE_MS - 20 * MINUTE_MS]
    near = [at for at, _ in story.events if LIVE_MS - 5 * MINUTE_MS <= at < LIVE_MS]
    assert len(far) / (40 * 60) < 5
    assert len(near) / (5 * 60) > 10


def test_the_life_of_a_ticket_makes_sense_to_the_scorer() -> None:
    source = simulation(past_ms=30 * MINUTE_MS)
    scored = score(event.body for event in source.events_until(LIVE_MS + 10 * MINUTE_MS))
    assert scored.anomalies == Counter()
    assert len(scored.figures) > 1000


def test_every_kind_of_ticket_event_occurs(story: Story) -> None:
    kinds = {type(event).__name__ for _, event in story.events}
    assert kinds == {
        "TicketOpened",
        "TicketAssigned",
        "TicketCustomerReplied",
        "TicketWaiting",
        "TicketResumed",
        "TicketResolved",
        "TicketReopened",
        "TicketClosed",
        "TicketComplained",
        "TicketHandled",
        "ResponseSent",
        "SurveySent",
        "SurveyAnswered",
    }


def test_all_departments_have_enough_answers_for_a_verdict_when_the_stream_goes_live(
    story: Story,
) -> None:
    department: dict[str, str] = {}
    answers: Counter[str] = Counter()
    for at, event in story.events:
        if at < LIVE_MS and type(event).__name__ == "TicketAssigned":
            department[event.subject] = event.data.department or ""  # type: ignore[union-attr]  # only this event type has a holder
        if at < LIVE_MS and type(event).__name__ == "SurveyAnswered":
            answers[department[event.subject]] += 1
    assert set(answers) == set(load_organisation().departments)
    assert min(answers.values()) >= 25


def test_people_work_in_their_shifts_only(story: Story) -> None:
    organisation = load_organisation()
    teams = {
        (department, name): team
        for department, profile in organisation.departments.items()
        for name, team in profile.teams.items()
    }
    for at, event in story.of("TicketAssigned"):
        team = teams[event.data.department, event.data.team]
        hour = (at // HOUR_MS + 8) % 24
        assert team.on_duty(hour)
        assert event.data.employee in team.employees


def test_tickets_under_way_stay_bounded() -> None:
    source = simulation(rate=10)
    for _ in source.events_until(LIVE_MS + HOUR_MS):
        pass
    early = source.under_way
    for _ in source.events_until(LIVE_MS + 3 * HOUR_MS):
        pass
    assert source.under_way < 2 * early + 250
