"""Feeds events to the scoring engine as a broker would, and returns what it measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from services.scoring.core.engine import Engine, Record
from services.scoring.rule_files import load_rules
from shared.contracts.decode import decode_event
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.topics import INPUTS, topic_for

LONG_AFTER_MS = 4_000_000_000_000
"""When the events were received: none of them is from the future."""


@dataclass(frozen=True)
class Figure:
    """A measurement that stands in the end."""

    indicator: str
    department: str
    team: str
    employee: str
    value: int
    good: int


@dataclass(frozen=True)
class Scored:
    """``figures`` are what stands, ``anomalies`` what the engine found not to fit together."""

    figures: list[Figure]
    anomalies: Counter[str]


def score(bodies: Iterable[bytes]) -> Scored:
    """What the engine makes of the events under the rules that ship."""
    engine = Engine(0, load_rules(None), len(INPUTS))
    topics = [topic.name for topic in INPUTS]
    read: list[list[Record]] = [[] for _ in topics]
    for body in bodies:
        kind, subject = _type_and_subject(body)
        records = read[topics.index(topic_for(kind).name)]
        records.append(Record(len(records), LONG_AFTER_MS, subject.encode(), body))
    for place, records in enumerate(read):
        engine.process(place, records)
    flush = engine.flush(caught_up=True)
    assert flush.dead_letters == []
    standing: Counter[Figure] = Counter()
    for row in (row for batch in flush.measurements for row in batch.rows):
        holder = (row.department, row.team, row.employee)
        standing[Figure(INDICATOR_IDS[row.indicator], *holder, row.value, row.good)] += row.sign
    assert min(standing.values(), default=0) >= 0
    return Scored(list(standing.elements()), Counter(flush.counts.anomalies))


def _type_and_subject(body: bytes) -> tuple[str, str]:
    event = decode_event(body)
    kind = type(event).__struct_config__.tag
    assert isinstance(kind, str)
    return kind, event.subject
