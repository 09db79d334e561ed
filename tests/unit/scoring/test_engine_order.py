"""The engine's figures are a function of the events, not of how they arrived."""

from __future__ import annotations

import random
from collections.abc import Set
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.changelog import (
    BookedRows,
    ChangelogRecord,
    Rounds,
    Tail,
    decode_changelog,
)
from services.scoring.core.engine import Engine, Flush
from services.scoring.core.rules import RuleHistory
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import DAY, TOTAL
from tests.unit.scoring.crashing import Crashing
from tests.unit.scoring.engine_events import (
    START,
    Log,
    cells,
    event,
    holders,
    new_engine,
    seal_faults,
    steps,
    turns,
    updates,
)
from tests.unit.scoring.histories import COURSE, holder_of
from tests.unit.scoring.plain_recomputation import totals_by_department
from tests.unit.scoring.promising import AROUND_THE_CLOCK, IN_OFFICE_HOURS
from tests.unit.scoring.rule_texts import EVERYTHING, history

RULES = history(EVERYTHING)
PROMISES = st.sampled_from((AROUND_THE_CLOCK, IN_OFFICE_HOURS))
HISTORIES = st.just(RULES) | PROMISES
BY_OTHER_RULES = {
    "next_response_time_business",
    "cost_per_ticket",
    "csat",
    "nps",
    "ces",
    "qa_score",
}
"""Indicators that the recomputation knows under RULES alone."""

instants = st.integers(0, 3000).map(lambda m: round(START.timestamp() * 1000) + m * 60_000)
"""How far time has come: up to two days on."""
delays = st.integers(0, 600) | st.integers(6 * 1440, 8 * 1440)
"""In minutes: within a shift, or around the week in which a reopening says something."""

lives = st.lists(steps, min_size=3, max_size=12) | st.lists(turns, min_size=6, max_size=12)


def exemption(start: int, length: int) -> tuple[str, dict[str, Any]]:
    begin = START + timedelta(minutes=start)
    span = {"start": begin.isoformat(), "end": (begin + timedelta(minutes=length)).isoformat()}
    return "ticket.corrected", {"action": "exempt", "reason": "power cut", **span}


def aimed(action: str, place: int, holder: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """A correction of a ticket's event of this place."""
    whose = holder if action == "reattribute" else {}
    return "ticket.corrected", {"action": action, "reason": "mistake", "event_id": place, **whose}


corrections = st.builds(exemption, st.integers(0, 900), st.integers(1, 300)) | st.builds(
    aimed, st.sampled_from(("exclude", "reattribute")), st.integers(0, 8), holders
)
corrected_lives = st.lists(steps | corrections, max_size=12)
clocked_lives = st.lists(steps.filter(lambda step: step[0] != "response.measured"), max_size=12)


@st.composite
def histories(
    draw: st.DrawFn, lives: st.SearchStrategy[list[tuple[str, Any]]] = lives
) -> list[dict[str, Any]]:
    """A few tickets, each opened and then living through random steps, in order of time."""
    events = []
    for number in range(draw(st.integers(1, 4))):
        ticket = f"T-{number}"
        opened = draw(st.integers(0, 600))
        data = {"channel": "phone", "category": "refund", **draw(st.one_of(st.just({}), holders))}
        events.append(event("ticket.opened", ticket, opened, data))
        for place, (kind, body) in enumerate(draw(lives)):
            after = opened + draw(delays)
            target = {"event_id": f"{ticket}-{body['event_id']}"} if "event_id" in body else {}
            data = {**body, **target}
            events.append(event(kind, ticket, after, data, id=f"{ticket}-{place}"))
    return sorted(events, key=lambda e: str(e["time"]))


def in_one_go(events: list[dict[str, Any]], rules: RuleHistory, until_ms: int) -> list[Flush]:
    engine = new_engine(rules)
    log = Log()
    log.append(events)
    log.feed(engine)
    engine.advance(until_ms)
    return [engine.flush(caught_up=True)]


@settings(max_examples=150, deadline=None)
@given(histories(lives | corrected_lives), HISTORIES, instants, st.data())
def test_order_repetition_batches_crashes_and_timers_leave_no_trace(
    events: list[dict[str, Any]], rules: RuleHistory, until_ms: int, data: st.DataObject
) -> None:
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=6))
    arrived = data.draw(st.permutations(repeated))
    runner = Crashing(rules)
    while arrived:
        size = data.draw(st.integers(1, len(arrived)))
        fate = data.draw(st.sampled_from(("lives", "waits", "dies stored", "dies unstored")))
        passed = data.draw(st.one_of(st.just(0), instants))
        runner.step(list(arrived[:size]), fate, min(passed, until_ms))
        arrived = arrived[size:]
    flushes = runner.finish(until_ms)
    assert cells(rules, flushes) == cells(rules, in_one_go(events, rules, until_ms))
    assert seal_faults(rules, flushes) == []


def long_history(chance: random.Random) -> list[dict[str, Any]]:
    """Some dozens of tickets over a day or over months, each with a few events of all kinds."""
    length = chance.choice((1, 12, 70)) * 24 * 60
    events = []
    for number in range(chance.randint(20, 60)):
        ticket, opened = f"T-{number}", chance.randint(0, length)
        data = {"channel": chance.choice(("phone", "chat")), **holder_of(chance)}
        events.append(event("ticket.opened", ticket, opened, data))
        for place in range(chance.randint(0, 8)):
            kind, body = chance.choice(COURSE)
            after = chance.randint(0, 60 * chance.choice((1, 10, 48)))
            data = {**body, **(holder_of(chance) if kind == "ticket.assigned" else {})}
            events.append(event(kind, ticket, opened + after, data, id=f"{ticket}-{place}"))
    return sorted(events, key=lambda e: str(e["time"]))


@pytest.mark.parametrize("seed", range(12))
def test_rounds_of_slices_that_crashes_interrupt_leave_no_cell_wrong(seed: int) -> None:
    """Many rounds, of several flushes each, in which cells come to be and expire."""
    chance = random.Random(seed)
    events = long_history(chance)
    runner = Crashing(RULES)
    crashes = 0
    for first in range(0, len(events), 5):
        fate = chance.choice(("lives", "lives", "lives", "dies stored", "dies unstored"))
        crashes += fate.startswith("dies")
        runner.step(events[first : first + 5], fate)
    steady = Crashing(RULES)
    for first in range(0, len(events), 5):
        steady.step(events[first : first + 5], "lives")
    assert crashes > 5
    flushes = runner.finish()
    assert cells(RULES, flushes) == cells(RULES, steady.finish())
    assert seal_faults(RULES, flushes) == []


@settings(max_examples=150, deadline=None)
@given(histories(), instants)
def test_day_panes_equal_a_plain_recomputation(events: list[dict[str, Any]], until_ms: int) -> None:
    assert day_sums(events, RULES, until_ms) == recomputed(events, RULES, until_ms)


@settings(max_examples=150, deadline=None)
@given(histories(clocked_lives), PROMISES, instants)
def test_promises_equal_a_plain_recomputation(
    events: list[dict[str, Any]], rules: RuleHistory, until_ms: int
) -> None:
    held = day_sums(events, rules, until_ms, but=BY_OTHER_RULES)
    assert held == recomputed(events, rules, until_ms, but=BY_OTHER_RULES)


Sums = dict[tuple[str, str], tuple[int, ...]]
"""Number, total and good by department and indicator, where not all are 0."""


def day_sums(
    events: list[dict[str, Any]], rules: RuleHistory, until_ms: int, but: Set[str] = frozenset()
) -> Sums:
    """What the day panes hold of the indicators that the recomputation knows."""
    known = totals_by_department([], rules, until_ms).indicators - but
    sums: dict[tuple[str, str], tuple[int, ...]] = {}
    for place, held in cells(rules, in_one_go(events, rules, until_ms)).items():
        department, level, _, kind, _, indicator = place
        if level == DAY and department and kind == 1 and INDICATOR_IDS[indicator] in known:
            key = (department, INDICATOR_IDS[indicator])
            before = sums.get(key, (0, 0, 0))
            sums[key] = tuple(map(sum, zip(before, held[:3], strict=True)))
    return {key: row for key, row in sums.items() if any(row)}


def recomputed(
    events: list[dict[str, Any]], rules: RuleHistory, until_ms: int, but: Set[str] = frozenset()
) -> Sums:
    """The same, recomputed."""
    sums = totals_by_department(events, rules, until_ms).sums
    return {key: row for key, row in sums.items() if key[1] not in but and any(row)}


@settings(max_examples=60, deadline=None)
@given(histories(), HISTORIES, instants)
def test_measurements_sum_to_what_the_panes_hold(
    events: list[dict[str, Any]], rules: RuleHistory, until_ms: int
) -> None:
    runner = Crashing(rules)
    for item in reversed(events):
        runner.step([item], "lives", until_ms)
    flushes = runner.finish()
    booked: dict[tuple[str, int], list[int]] = {}
    for flush in flushes:
        for batch in flush.measurements:
            for row in batch.rows:
                sums = booked.setdefault((row.department, row.indicator), [0, 0, 0])
                for place, value in enumerate((1, row.value, row.good)):
                    sums[place] += row.sign * value
    held: dict[tuple[str, int], list[int]] = {}
    for key, (n, total, good, _) in cells(rules, flushes).items():
        department, level, _, kind, _, indicator = key
        if level == DAY and department and kind == 1:
            sums = held.setdefault((department, indicator), [0, 0, 0])
            held[department, indicator] = [sums[0] + n, sums[1] + total, sums[2] + good]
    assert held == {k: v for k, v in booked.items() if k[0] and any(v)}


@settings(max_examples=40, deadline=None)
@given(histories())
def test_backlog_total_is_the_number_of_unresolved_tickets(events: list[dict[str, Any]]) -> None:
    held = cells(RULES, in_one_go(events, RULES, 0))
    backlog = INDICATOR_IDS.index("backlog")
    total = held.get(("", TOTAL, 0, 0, "", backlog), (0, 0, 0, ()))[1]
    assert total == totals_by_department(events, RULES, 0).unresolved


def test_a_restore_reads_no_more_than_the_last_complete_round_of_slices() -> None:
    engine = new_engine(RULES)
    log = Log()
    tail, records = Tail(), 0
    for number in range(900):
        log.append([event("ticket.opened", f"T-{number}", number / 10, {"department": "stores"})])
        log.feed(engine)
        if number % 3 == 2:
            for record in engine.flush(caught_up=True).changelog:
                tail.append(record)
                records += 1
    assert len(tail) < records / 2
    again = new_engine(RULES)
    again.restore(tail.take())
    again.finish_restore()
    assert again.positions == engine.positions
    assert again.tickets == engine.tickets == 900
    log.append([event("ticket.resolved", f"T-{number}", 120, {}) for number in range(900)])
    assert touched(engine, log) == touched(again, log) != {}


def test_rounds_of_slices_end_in_a_replay_that_makes_more_cells_than_they_state() -> None:
    engine, log, chance = new_engine(RULES), Log(), random.Random(7)
    begun = 0
    for number in range(90):
        opened = [(f"T-{number}-{place}", number * 10 + place / 3) for place in range(30)]
        log.append(event("ticket.opened", *ticket, holder_of(chance)) for ticket in opened)
        log.feed(engine)
        begun += engine.flush(caught_up=False).cycle_started
    assert begun > 2


def test_a_round_that_was_not_completed_is_not_relied_on() -> None:
    tail = Tail()
    for revision, cycle in enumerate((1, 1, 2, 2, 4, 4)):
        tail.append(in_round(revision, cycle))
    assert [decode_changelog(record).cycle for record in tail.take()] == [1, 1, 2, 2, 4, 4]
    for revision, cycle in enumerate((1, 2, 2, 4, 5)):
        tail.append(in_round(revision, cycle))
    assert [decode_changelog(record).cycle for record in tail.take()] == [4, 5]


@pytest.mark.parametrize("inputs", [0, 1, 4])
def test_a_record_of_other_input_topics_is_refused(inputs: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        new_engine(RULES).restore([in_round(1, 1, inputs)])


@pytest.mark.parametrize("column", ["indicator", "sign", "time_ms", "value", "good", "name"])
def test_booked_rows_of_a_damaged_length_are_refused(column: str) -> None:
    whole = BookedRows([("d", "t", "e", "", "")], *[bytes(2)] * 6)
    restore_booked(whole)
    for length in (0, 1, 3, 5, 6, 32):
        with pytest.raises(ValueError, match="early"):
            restore_booked(msgspec.structs.replace(whole, **{column: bytes(length)}))


@pytest.mark.parametrize("name", [b"\1", b"\xff", b"\0\0\0\0\1\0\0\0"])
def test_a_booked_row_of_names_that_are_not_there_is_refused(name: bytes) -> None:
    rows = BookedRows([("d", "t", "e", "", "")], *[bytes(len(name) // 8 or 1)] * 6)
    with pytest.raises(ValueError, match="range"):
        restore_booked(msgspec.structs.replace(rows, name=name))


def test_what_lies_before_a_complete_round_alone_is_superfluous() -> None:
    rounds = Rounds()
    assert [rounds.begin(offset) for offset in (10, 20, 30)] == [None, 10, 20]
    rounds.interrupt()
    assert [rounds.begin(offset) for offset in (40, 50)] == [None, 40]


def restore_booked(rows: BookedRows) -> None:
    at = [0, 0, 0]
    record = ChangelogRecord(1, 1, at, 0, {}, [], [rows], [], at, 0, 0)
    new_engine(RULES).restore([msgspec.msgpack.encode(record)])


def in_round(revision: int, cycle: int, inputs: int = 3) -> bytes:
    at = [0] * inputs
    return msgspec.msgpack.encode(ChangelogRecord(revision, cycle, at, 0, {}, [], [], [], at, 0, 0))


def touched(engine: Engine, log: Log) -> dict[object, object]:
    """The cells that the next flush touches."""
    log.feed(engine)
    flush = engine.flush(caught_up=True)
    return {cell[:4]: cell[4:] for update in updates(flush) for cell in update.cells}
