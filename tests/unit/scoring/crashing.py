"""An engine that dies and is restored."""

from __future__ import annotations

from typing import Any

from services.scoring.core.changelog import Tail
from services.scoring.core.engine import Engine, Flush
from services.scoring.core.rules import RuleHistory
from tests.unit.scoring.engine_events import Log, new_engine


class Crashing:
    """An engine whose process may die: before a flush is stored, or right after."""

    def __init__(self, rules: RuleHistory) -> None:
        self.rules = rules
        self.log = Log()
        self.stored: list[Flush] = []
        self.engine = new_engine(rules)

    def step(self, events: list[dict[str, Any]], fate: str, stream_ms: int = 0) -> None:
        self.log.append(events)
        self.log.feed(self.engine)
        self.engine.advance(stream_ms)
        if fate == "waits":
            return
        flush = self.engine.flush(caught_up=False)
        if fate != "dies unstored":
            self.stored.append(flush)
        if fate != "lives":
            self.engine = self.restored()

    def finish(self, stream_ms: int = 0) -> list[Flush]:
        self.log.feed(self.engine)
        self.engine.advance(stream_ms)
        while self.engine.has_pending or self.engine.has_due:
            self.stored.append(self.engine.flush(caught_up=True))
        return self.stored

    def restored(self) -> Engine:
        """An engine that has read what a restore needs of what is stored."""
        engine = new_engine(self.rules)
        tail = Tail()
        for flush in self.stored:
            for record in flush.changelog:
                tail.append(record)
        engine.restore(tail.take())
        engine.finish_restore()
        return engine
