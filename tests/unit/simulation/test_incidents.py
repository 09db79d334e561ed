"""Something goes wrong from the first minute on, and it shows in the figures."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest

from deploy.simulation.incidents import CALM, FIRST_LEAD_MS, Incident, Incidents
from tests.unit.simulation.stories import LIVE_MS, MINUTE_MS, Story, simulation, tell

DEPARTMENTS = ["customer-service", "after-sales", "technical-support", "stores"]


def p90_of_first_responses(story: Story, department: str, since: int, until: int) -> float:
    """In minutes, over the first replies by people in [since, until)."""
    opened = {event.subject: at for at, event in story.of("TicketOpened")}
    holder: dict[str, str] = {}
    waits: list[float] = []
    for at, event in story.events:
        kind = type(event).__name__
        if kind == "TicketAssigned":
            holder[event.subject] = event.data.department or ""  # type: ignore[union-attr]  # only this event type has a holder
        is_reply = kind == "ResponseSent" and event.data.sender == "employee"  # type: ignore[union-attr]  # only this event type has a sender
        if is_reply and event.subject in opened:
            began = opened.pop(event.subject)
            if since <= at < until and holder[event.subject] == department:
                waits.append((at - began) / MINUTE_MS)
    return sorted(waits)[math.ceil(0.9 * len(waits)) - 1]


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_customer_service_answers_too_slowly_when_the_stream_goes_live(seed: int) -> None:
    story = tell(LIVE_MS + 6 * MINUTE_MS, simulation(seed=seed))
    now = LIVE_MS
    assert p90_of_first_responses(story, "customer-service", now - 60 * MINUTE_MS, now) > 5
    later = LIVE_MS + 6 * MINUTE_MS
    assert p90_of_first_responses(story, "customer-service", later - 5 * MINUTE_MS, later) > 8


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_before_the_incident_customer_service_keeps_its_target(seed: int) -> None:
    before = LIVE_MS - FIRST_LEAD_MS
    story = tell(before, simulation(seed=seed, past_ms=120 * MINUTE_MS))
    assert p90_of_first_responses(story, "customer-service", before - 90 * MINUTE_MS, before) < 5


def test_the_first_incident_is_under_way_at_the_start_of_the_live_stream() -> None:
    first = Incidents(DEPARTMENTS, LIVE_MS, Random(1)).current
    assert (first.department, first.kind) == ("customer-service", "slow_response")
    assert first.active(LIVE_MS)
    assert not first.active(first.end_ms)


def test_one_incident_follows_another_with_peace_between_them_in_another_department() -> None:
    incidents = Incidents(DEPARTMENTS, LIVE_MS, Random(5))
    seen: list[Incident] = []
    for minute in range(24 * 60):
        incidents.effect("stores", LIVE_MS + minute * MINUTE_MS)
        if not seen or seen[-1] != incidents.current:
            seen.append(incidents.current)
    assert len(seen) > 30
    for before, after in pairwise(seen):
        assert 4 * MINUTE_MS <= after.start_ms - before.end_ms <= 8 * MINUTE_MS
        assert after.department != before.department
    assert {incident.kind for incident in seen} == {
        "slow_response",
        "unhappy_customers",
        "slow_resolution",
        "complaints",
    }


def test_only_the_department_with_the_incident_suffers() -> None:
    incidents = Incidents(DEPARTMENTS, LIVE_MS, Random(1))
    assert incidents.effect("stores", LIVE_MS) == CALM
    assert incidents.effect("customer-service", LIVE_MS).response > 3
