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
from tests.unit.scoring.histories import COURSE, holder_of
from tests.unit.scoring.rule_texts import EVERYTHING, history

RULES = history(EVERYTHING)
PAUSES = (0, 1, 10, 45, 200, 1500, 4 * 1440, 11 * 1440)
"""Minutes: within an hour, until minutes expire, until quarter-hours do."""
LIFE = 10 * 1440
"""In so many minutes all begins and ends that is said of a ticket: long before it is forgotten."""
EXCLUSION = ("ticket.corrected", {"action": "exclude", "reason": "mistake", "event_id": "1"})


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
        kind, data = chance.choice((*COURSE, EXCLUSION))
        if chance.random() < 0.4:
            kind, data = chance.choice(("ticket.opened", "ticket.assigned")), holder_of(chance)
        at = max(0.0, self.minutes - chance.choice((0, 0, 0, 5, 240, 3 * 1440)))
        # What comes after a ticket was forgotten is another ticket's: when that is, flushes decide.
        ticket = f"T-{at // LIFE}-{chance.randint(0, 11)}"
        return event(kind, ticket, at, data, id=str(self.events))

    @rule()
    def die_again(self) -> None:
        self.mortal.engine = self.mortal.restored()

    @precondition(lambda self: self.events > 0)
    @rule()
    def compare(self) -> None:
        for engine in (self.steady, self.mortal):
            engine.step([], "lives")
        assert whole_round(self.mortal.restored()) == cells(RULES, self.steady.stored)

    def teardown(self) -> None:
        if self.events:
            self.compare()


def whole_round(engine: Engine) -> dict[CellKey, Sums]:
    """All cells that an engine keeps, as the slices of a whole round state them."""
    flushes: list[Flush] = []
    started = 0
    while started < 2:
        flushes.append(engine.flush(caught_up=True))
        started += flushes[-1].cycle_started
    return slice_cells(RULES, flushes[:-1])


def test_a_restore_finds_every_cell() -> None:
    run_state_machine_as_test(
        Restores, settings=settings(max_examples=40, stateful_step_count=60, deadline=None)
    )
