"""Events for the engine's tests: as structured CloudEvents, like a source sends them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.scoring.core.engine import Engine, Flush, Record
from services.scoring.core.panes import KEPT_MS
from services.scoring.core.rules import RuleHistory
from shared.contracts.panes import TOTAL, Cell
from shared.contracts.topics import INPUTS, topic_for

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TOPICS = [topic.name for topic in INPUTS]


def event(
    kind: str,
    ticket: str,
    minutes: float,
    data: dict[str, Any] | None = None,
    *,
    id: str | None = None,
    received: datetime | None = None,
) -> dict[str, Any]:
    """An event ``minutes`` after START."""
    time = START + timedelta(minutes=minutes)
    return {
        "specversion": "1.0",
        "id": id or f"{ticket}-{kind}-{minutes}",
        "source": "crm",
        "type": kind,
        "subject": ticket,
        "time": time.isoformat(),
        "receivedtime": (received or time).isoformat(),
        "data": data or {},
    }


class Log:
    """The input topics of one partition, as a broker would hold them."""

    def __init__(self) -> None:
        self.records: list[list[Record]] = [[] for _ in INPUTS]

    def append(self, events: Iterable[dict[str, Any]]) -> None:
        for item in events:
            place = TOPICS.index(topic_for(item["type"]).name)
            topic = self.records[place]
            value = json.dumps(item).encode()
            topic.append(Record(len(topic), 0, item["subject"].encode(), value))

    def feed(self, engine: Engine) -> None:
        """Everything from the engine's positions on."""
        for place, records in enumerate(self.records):
            engine.process(place, records[engine.positions[place] :])


def new_engine(rules: RuleHistory) -> Engine:
    return Engine(0, rules, len(INPUTS))


def measure(rules: RuleHistory, events: Iterable[dict[str, Any]]) -> Flush:
    """What one flush makes of the events."""
    engine = new_engine(rules)
    log = Log()
    log.append(events)
    log.feed(engine)
    return engine.flush(caught_up=True)


CellKey = tuple[str, int, int, int, str, int]
"""Department, level, start, kind of scope, id, indicator."""
Sums = tuple[int, int, int, tuple[tuple[int, int], ...]]


def cells(flushes: Sequence[Flush]) -> dict[CellKey, Sums]:
    """What a reader of ``panes`` holds after these flushes: the last cell of each key, without
    those that are empty again or no longer kept."""
    watermark = flushes[-1].watermark.watermark_ms
    held: dict[CellKey, Sums] = {}
    for flush in flushes:
        for update in flush.panes:
            for cell in [*update.slice_cells, *update.cells]:
                held[key_of(cell)] = _sums(cell)
    return {
        key: sums
        for key, sums in held.items()
        if any(sums[:3]) and (key[1] == TOTAL or key[2] >= watermark - KEPT_MS[key[1]])
    }


def key_of(cell: Cell) -> CellKey:
    department, kind, name = cell.scope
    return department, cell.level, cell.start_ms, kind, name, cell.indicator


def _sums(cell: Cell) -> Sums:
    return cell.n, cell.total, cell.good, cell.sketch
