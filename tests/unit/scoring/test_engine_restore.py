"""A restore finds every cell as it was, however often and whenever the engine died."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from services.scoring.core.engine import Engine, Flush
from tests.unit.scoring.crashing import Crashing
from tests.unit.scoring.engine_events import CellKey, Sums, cells, event, slice_cells
from tests.unit.scoring.rule_texts import EVERYTHING, history

RULES = history(EVERYTHING)
PAUSES = (0, 1, 10, 45, 200, 1500, 4 * 1440, 11 * 1440)
"""Minutes: within an hour, until minutes expire, until quarter-hours do."""
COURSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("response.sent", {"sender": "employee"}),
    ("ticket.resolved", {}),
    ("ticket.reopened", {}),
    ("ticket.handled", {"duration_ms": 90_000, "cost_minor": 700}),
    ("survey.sent", {"kind": "csat"}),
    ("survey.answered", {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 4}),
    ("ticket.corrected", {"action": "exclude", "reason": "mistake", "event_id": "1"}),
)


class Restores(RuleBasedStateMachine):
    """Two engines read the same; one of them dies now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.mortal, self.steady = Crashing(RULES), Crashing(RULES)
        self.minutes = 0.0
        self.events = 0

    @rule(
        seed=st.integers(0, 2**32),
        pause=st.sampled_from(PAUSES),
        fate=st.sampled_from(("lives", "lives", "lives", "dies stored", "dies unstored", "waits")),
    )
    def read(self, seed: int, pause: int, fate: str) -> None:
        chance = random.Random(seed)
        self.minutes += pause
        events = [self._event(chance) for _ in range(chance.randint(1, 4))]
        self.steady.step(events, "lives")
        self.mortal.step(events, fate)

    def _event(self, chance: random.Random) -> dict[str, Any]:
        self.events += 1
        ticket = f"T-{chance.randint(0, 11)}"
        kind, data = chance.choice(COURSE)
        if chance.random() < 0.4:
            kind, data = chance.choice(("ticket.opened", "ticket.assigned")), _holder(chance)
        at = self.minutes - chance.choice((0, 0, 0, 5, 240, 3 * 1440))
        return event(kind, ticket, max(0.0, at), data, id=str(self.events))

    @rule()
    def die_again(self) -> None:
        self.mortal.engine = self.mortal.restored()

    @precondition(lambda self: self.events > 0)
    @rule()
    def compare(self) -> None:
        for engine in (self.steady, self.mortal):
            engine.step([], "lives")
        assert whole_round(self.mortal.restored()) == cells(self.steady.stored)

    def teardown(self) -> None:
        if self.events:
            self.compare()


def _holder(chance: random.Random) -> dict[str, str]:
    return {
        "department": chance.choice(("stores", "after-sales")),
        "team": f"team-{chance.randint(0, 2)}",
        "employee": f"employee-{chance.randint(0, 5)}",
    }


def whole_round(engine: Engine) -> dict[CellKey, Sums]:
    """All cells that an engine keeps, as the slices of a whole round state them."""
    flushes: list[Flush] = []
    started = 0
    while started < 2:
        flushes.append(engine.flush(caught_up=True))
        started += flushes[-1].cycle_started
    return slice_cells(flushes[:-1])


def test_a_restore_finds_every_cell() -> None:
    run_state_machine_as_test(
        Restores, settings=settings(max_examples=40, stateful_step_count=60, deadline=None)
    )
