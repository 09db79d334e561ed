"""Names that were used long ago do not stay in memory for ever."""

from __future__ import annotations

import pytest

from services.scoring.core import engine as engine_module
from services.scoring.rule_files import load_rules
from tests.unit.scoring.engine_events import Log, cells, event, new_engine

RULES = load_rules(None)
OPENINGS = [
    event("ticket.opened", f"T-{n}", n / 60, {"department": "stores", "employee": f"e{n % 40}"})
    for n in range(200)
]


def test_learning_names_anew_changes_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = cells(RULES, flushes())
    monkeypatch.setattr(engine_module, "MOST_NAMES", 10)
    assert cells(RULES, flushes()) == wanted


def flushes() -> list[engine_module.Flush]:
    """What an engine states of the openings, ten in a flush."""
    engine, log = new_engine(RULES), Log()
    stated = []
    for start in range(0, len(OPENINGS), 10):
        log.append(OPENINGS[start : start + 10])
        log.feed(engine)
        stated.append(engine.flush(caught_up=True))
        assert engine.names <= engine_module.MOST_NAMES + 10
    return stated
