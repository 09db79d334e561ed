"""`make bench BENCH=growth`: what an event costs the engine as an organisation grows.

The pure engine (`services.scoring.core.engine`), no broker: one dimension at a time is made 10 and
100 times as large. Tickets are those that lie in the state, all in memory or, as `measure` has them
(tickets at rest), most of them in a file; employees are those who hold them; rate is the number of
events that a flush finds. Last, all of it grows together, as it does when an organisation grows.
Tickets are opened within the same time however many they are, and those
that something happens to lie anywhere among them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from statistics import median
from typing import Any, Final

from bench.streams import open_tickets
from services.scoring.core.engine import Engine, Record
from services.scoring.core.rules import RuleHistory
from services.scoring.measure.scratch_files import ScratchFiles
from services.scoring.rule_files import load_rules
from shared.contracts.panes import PaneUpdate, decode_pane_record
from shared.runtime.collector import calm_collector

EVENTS: Final = 2_000
"""Each speaks of a ticket of its own."""
ENGINES: Final = 9
BASE_TICKETS: Final = 2_000
BASE_EMPLOYEES: Final = 10
BASE_EVENTS_PER_FLUSH: Final = 50
EVENTS_PER_FLUSH_TOGETHER: Final = 20
"""So that there are events for one flush of a hundred times as many."""
FACTORS: Final = (1, 10, 100)
OPENED_WITHIN_MS: Final = 1_400_000


@dataclass(frozen=True)
class Organisation:
    """How large; ``events_per_flush`` stands for the rate."""

    tickets: int = BASE_TICKETS
    employees: int = BASE_EMPLOYEES
    events_per_flush: int = BASE_EVENTS_PER_FLUSH
    at_rest: bool = False


def cases() -> Iterator[tuple[str, int, Organisation]]:
    """Dimension, factor and organisation of each measurement."""
    base = Organisation()
    for factor in FACTORS:
        yield "tickets", factor, replace(base, tickets=BASE_TICKETS * factor)
    for factor in FACTORS:
        organisation = replace(base, tickets=BASE_TICKETS * factor, at_rest=True)
        yield "tickets at rest", factor, organisation
    for factor in FACTORS:
        yield "employees", factor, replace(base, employees=BASE_EMPLOYEES * factor)
    for factor in FACTORS:
        yield "rate", factor, replace(base, events_per_flush=BASE_EVENTS_PER_FLUSH * factor)
    for factor in FACTORS:
        yield (
            "together",
            factor,
            Organisation(
                tickets=BASE_TICKETS * factor,
                employees=BASE_EMPLOYEES * factor,
                events_per_flush=EVENTS_PER_FLUSH_TOGETHER * factor,
                at_rest=True,
            ),
        )


def measure() -> list[dict[str, Any]]:
    """A row for each case: CPU microseconds an event, flushes included, and how many cells an event
    has stated: those that it changed, less what the events of a flush share, and those in turn. The
    collector is as calm as in measure.

    The median of fresh engines, for a single one is worked through in milliseconds; of all cases in
    turn, for a machine is not equally fast all the time.
    """
    calm_collector()
    rules = load_rules(None)
    measured: list[tuple[str, int, Organisation, list[float], list[int]]] = [
        (dimension, factor, organisation, [], []) for dimension, factor, organisation in cases()
    ]
    for _ in range(ENGINES):
        for _, _, organisation, costs, cells in measured:
            engine = _engine(rules, at_rest=organisation.at_rest)
            engine.restore(_state(organisation.tickets, organisation.employees))
            engine.finish_restore()
            seconds, stated = _work_through(engine, organisation)
            costs.append(seconds / EVENTS * 1e6)
            cells.append(stated)
    return [
        {
            "dimension": dimension,
            "factor": factor,
            "tickets": organisation.tickets,
            "employees": organisation.employees,
            "events_per_flush": organisation.events_per_flush,
            "cells_per_event": round(median(cells) / EVENTS, 1),
            "us_per_event": round(median(costs), 1),
        }
        for dimension, factor, organisation, costs, cells in measured
    ]


@cache
def _state(tickets: int, employees: int) -> list[bytes]:
    """The changelog of an organisation."""
    apart_ms = OPENED_WITHIN_MS // tickets
    rules = load_rules(None)
    return list(open_tickets.changelog(0, range(tickets), employees, rules, apart_ms))


def _engine(rules: RuleHistory, *, at_rest: bool) -> Engine:
    if not at_rest:
        return Engine(0, rules, open_tickets.INPUTS)
    with ScratchFiles().new() as file:
        return Engine(0, rules, open_tickets.INPUTS, file)


def _work_through(engine: Engine, organisation: Organisation) -> tuple[float, int]:
    """CPU seconds, and how many cells were stated. A flush is let go when it has been counted, as
    measure lets it go when it is stored."""
    seconds, cells = 0.0, 0
    records = _resolutions(organisation, engine.positions[0])
    for first in range(0, EVENTS, organisation.events_per_flush):
        began = time.process_time()
        engine.process(0, records[first : first + organisation.events_per_flush])
        flush = engine.flush(caught_up=False)
        seconds += time.process_time() - began
        cells += sum(_cells_in(value) for _, value in flush.panes)
    return seconds, cells


def _cells_in(value: bytes) -> int:
    update = decode_pane_record(value)
    assert isinstance(update, PaneUpdate)
    return len(update.cells) + len(update.slice_cells)


def _resolutions(organisation: Organisation, offset: int) -> list[Record]:
    """Tickets from all over the state are resolved one after the other, 10 ms apart."""
    chosen = Random(1).sample(range(organisation.tickets), EVENTS)  # noqa: S311 - the same in every run
    records = []
    for number, ticket in enumerate(chosen):
        time_ms = open_tickets.START_MS + open_tickets.HOUR_MS + number * 10
        value = open_tickets.cloud_event(ticket, "ticket.resolved", time_ms, {})
        key = open_tickets.name_of(ticket).encode()
        records.append(Record(offset + number, time_ms, key, value))
    return records


def table(rows: list[dict[str, Any]]) -> str:
    """For people: one line a case."""
    lines = ["dimension        factor  tickets  employees  events/flush  cells/event  us/event"]
    lines += [
        f"{row['dimension']:<15}  {row['factor']:>6}  {row['tickets']:>7}  {row['employees']:>9}"
        f"  {row['events_per_flush']:>12}  {row['cells_per_event']:>11}  {row['us_per_event']:>8}"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
