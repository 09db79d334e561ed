"""The streams: seeded, with repetitions, and a shorter one is a prefix of a longer one."""

from __future__ import annotations

from itertools import islice

import msgspec

from bench import oracle
from bench.engine_totals import compare_totals
from bench.found import totals_of
from bench.ours.pane_engine import Event as Decoded
from bench.streams import common, open_tickets, tickets
from services.scoring.core.engine import Engine, Record
from services.scoring.rule_files import load_rules
from shared.contracts.decode import decode_event
from shared.contracts.panes import decode_pane_record
from shared.contracts.topics import INPUTS

START_MS = 1_767_225_600_000


def test_a_shorter_stream_is_a_prefix_of_a_longer_one() -> None:
    short = list(common.events(500, START_MS))
    assert short == list(islice(common.events(2_000, START_MS), 500))
    assert len(short) == 500


def test_one_event_in_a_hundred_comes_twice_and_none_too_late() -> None:
    stream = list(common.events(10_000, START_MS))
    repeated = len(stream) - len(list(oracle.distinct(stream)))
    assert 50 < repeated <= 100
    latest = 0
    for event in stream:
        latest = max(latest, event.time_ms)
        assert event.time_ms >= latest - common.LATENESS_MS


def test_the_json_says_what_the_event_says() -> None:
    event = next(common.events(1, START_MS))
    decoded = msgspec.json.decode(common.encode(event), type=Decoded)
    assert (decoded.id, decoded.ts, decoded.value, decoded.good) == (
        event.id,
        event.time_ms,
        event.value,
        event.good,
    )
    assert "|".join((decoded.employee, decoded.channel, decoded.indicator)) == event.key


def test_ticket_events_are_valid_and_lie_in_their_topics() -> None:
    known = {topic.name for topic in INPUTS}
    for event in tickets.events(500, START_MS, tickets.Expected()):
        assert decode_event(event.value).subject == event.ticket
        assert event.topic in known


def test_the_engine_finds_what_the_ticket_stream_expects() -> None:
    expected = tickets.Expected()
    places = {topic.name: place for place, topic in enumerate(INPUTS)}
    rules = load_rules(None)
    engine = Engine(0, rules, len(INPUTS))
    for offset, event in enumerate(tickets.events(6_000, START_MS, expected)):
        key = event.ticket.encode()
        record = Record(offset, START_MS + event.order_ms, key, event.value)
        engine.process(places[event.topic], [record])
    stated = engine.flush(caught_up=False).panes
    totals = totals_of((decode_pane_record(value) for _, value in stated), rules.zone)
    assert set(expected.totals) >= {"tickets_opened", "first_response_time", "csat"}
    assert compare_totals(expected.totals, totals) == "exact"
    totals["csat"] = (1, 1)
    assert compare_totals(expected.totals, totals).startswith("WRONG: csat (1, 1) instead of")


def test_a_state_of_open_tickets_is_one_that_the_engine_restores() -> None:
    rules = load_rules(None)
    engine = Engine(0, rules, open_tickets.INPUTS)
    engine.restore(open_tickets.changelog(0, range(100, 3_100), 10, rules))
    assert engine.tickets == 3_000
