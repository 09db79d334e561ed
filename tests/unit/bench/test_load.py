"""The load comes at its rate, tickets live in order, and each alert finds its probe."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.facts import facts
from bench.load.pacing import Pace
from bench.load.probes import PERIOD_S, Arrival, Sent, match, schedule
from deploy.events_client.cloudevent import encode_event
from shared.contracts.decode import decode_event


@given(st.integers(1, 20_000), st.integers(1, 8))
def test_over_a_minute_the_rate_is_kept_to_the_event(rate: int, lanes: int) -> None:
    pace = Pace(rate, lanes, 0.05)
    batches = [(lane, n) for n in range(1200 // lanes) for lane in range(lanes)]
    events = sum(pace.size(lane, number) for lane, number in batches)
    assert events == int(len(batches) * rate * 0.05)


def test_senders_take_turns_at_fixed_times() -> None:
    pace = Pace(1_000, 4, 0.05)
    due = [pace.due_s(lane, number) for number in range(2) for lane in range(4)]
    assert due == pytest.approx([0.05 * place for place in range(1, 9)])


def test_what_happens_to_a_ticket_comes_in_order_and_keeps_the_contract() -> None:
    kinds: dict[str, list[str]] = defaultdict(list)
    for number, fact in enumerate(itertools.islice(facts("T", 1), 5_000)):
        kinds[fact.ticket].append(fact.type)
        decode_event(
            encode_event(
                source="bench",
                id=str(number),
                type=fact.type,
                subject=fact.ticket,
                at_ms=1_700_000_000_000,
                data=fact.data,
            )
        )
    whole = ["ticket.opened", "ticket.assigned", "response.sent", "ticket.handled"]
    assert len(kinds) > 600
    assert all(found[:4] == whole[: len(found)] for found in kinds.values())


def test_a_probe_is_resolved_before_its_department_serves_again() -> None:
    open_now: set[str] = set()
    for probe in schedule("L", 40.0):
        if probe.opens:
            assert probe.department not in open_now
            open_now.add(probe.department)
        else:
            open_now.remove(probe.department)
    assert open_now == set()


def test_nothing_is_opened_that_cannot_be_resolved_in_time() -> None:
    probes = schedule("L", 12.0)
    assert {probe.opens for probe in probes} == {True, False}
    assert max(probe.at_s for probe in probes) < 12.0
    assert schedule("L", PERIOD_S / 2) == []


def test_an_alert_belongs_to_the_probe_that_was_due_last() -> None:
    sent = [Sent("a", 1_000, 1_010), Sent("b", 1_500, 1_520), Sent("a", 11_000, 11_020)]
    arrivals = [
        Arrival("a", 1_080, 1_110),
        Arrival("a", 11_100, 11_140),
        Arrival("b", 1_560, 1_600),
    ]
    found = match(sent, arrivals)
    assert sorted(found.from_accepted_ms) == [80, 100, 120]
    assert sorted(found.from_due_ms) == [100, 110, 140]
    assert found.missing == 0


def test_a_probe_whose_breach_was_never_told_is_missing_and_takes_no_later_alert() -> None:
    sent = [Sent("a", 1_000, 1_010), Sent("a", 11_000, 11_020)]
    found = match(sent, [Arrival("a", 11_100, 11_140)])
    assert (found.from_accepted_ms, found.missing) == ([120], 1)
