"""Events for the engine's tests: as structured CloudEvents, like a source sends them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from bellwether_native import KEPT_MS
from hypothesis import strategies as st

from services.scoring.core.changelog import decode_changelog
from services.scoring.core.engine import Engine, Flush, Record
from services.scoring.core.rules import RuleHistory
from services.scoring.measure.scratch_files import ScratchFiles
from shared.contracts.pane_log import PaneLog, ScopeKey
from shared.contracts.panes import (
    NO_CELLS,
    TOTAL,
    PaneUpdate,
    decode_pane_record,
    encode_pane_record,
)
from shared.contracts.topics import INPUTS, topic_for
from tests.system.seals import SealChecks

EMPLOYEES = ("li.na", "wang.wei", None)
_given = st.fixed_dictionaries
holders = st.builds(
    lambda d, e: {"department": d, "team": f"{d}-1", **({"employee": e} if e else {})},
    st.sampled_from(("after-sales", "stores")),
    st.sampled_from(EMPLOYEES),
)
_SCALES = (
    {"min": 1, "max": 5},
    {"min": 0, "max": 10},
    {"min": 1, "max": 7},
    {"min": 0, "max": 100},
)


@st.composite
def _answers(draw: st.DrawFn) -> dict[str, Any]:
    scale = draw(st.sampled_from(_SCALES))
    answer = {
        "kind": draw(st.sampled_from(("csat", "nps", "ces", "review", "qa"))),
        "scale": scale,
        "value": draw(st.integers(scale["min"], scale["max"])),
        "rater_role": draw(st.sampled_from(("customer", "customer", "peer", "manager"))),
    }
    wording = draw(st.sampled_from((None, "nps-v1", "nps-v2")))
    return answer if wording is None else {**answer, "wording": wording}


_FITTING = (
    st.builds(lambda v: {"kind": "csat", "scale": _SCALES[0], "value": v}, st.integers(1, 5))
    | st.builds(
        lambda v: {"kind": "nps", "scale": _SCALES[1], "value": v, "wording": "nps-v1"},
        st.integers(0, 10),
    )
    | st.builds(lambda v: {"kind": "ces", "scale": _SCALES[2], "value": v}, st.integers(1, 7))
    | st.builds(lambda v: {"kind": "qa", "scale": _SCALES[3], "value": v}, st.integers(0, 100))
)
_durations = st.integers(0, 10_000_000)
_measured = _given(
    {
        "metric": st.sampled_from(
            ("first_response_time", "next_response_time", "resolution_time", "handling_time")
        ),
        "duration_ms": _durations,
    }
)
_handled = _given(
    {"duration_ms": _durations},
    optional={
        "employee": st.just("zhao.min"),
        "cost_minor": st.integers(0, 9_999),
        "currency": st.sampled_from(("CNY", "CNY", "USD")),
    },
)
_replies = st.sampled_from(({"sender": "employee"}, {"sender": "employee"}, {"sender": "bot"}))
_BARE = ("ticket.resumed", "ticket.closed", "ticket.complained")
_COURSE = ("ticket.customer_replied", "ticket.resolved", "ticket.reopened")
steps = st.one_of(
    st.tuples(st.just("ticket.assigned"), holders),
    st.tuples(st.sampled_from(_BARE), st.just({})),
    st.tuples(st.sampled_from(_COURSE), st.just({})),
    st.tuples(st.sampled_from(_COURSE), st.just({})),
    st.tuples(st.just("ticket.waiting"), st.just({"on": "customer"})),
    st.tuples(st.just("ticket.handled"), _handled),
    st.tuples(st.just("response.sent"), _replies),
    st.tuples(st.just("response.measured"), _measured),
    st.tuples(st.just("survey.sent"), st.just({"kind": "csat"})),
    st.tuples(st.just("survey.answered"), _answers()),
    st.tuples(st.just("survey.answered"), _FITTING),
)
"""Anything that may happen to a ticket after its opening: a type of event and its data."""

turns: st.SearchStrategy[tuple[str, dict[str, str]]] = st.one_of(
    st.tuples(st.sampled_from(_COURSE), st.just({})),
    st.tuples(st.just("response.sent"), _replies),
)
"""The turns of a conversation."""

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


MEMORY = ScratchFiles(tickets_in_memory=1_000)
"""Hardly a ticket finds room: all the others rest in the file."""


def new_engine(rules: RuleHistory) -> Engine:
    with MEMORY.new() as file:
        return Engine(0, rules, len(INPUTS), file)


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


def updates(flush: Flush) -> list[PaneUpdate]:
    """What a flush says in ``panes``, which is what the contract's encoder would make of it."""
    found = []
    for group, value in flush.panes:
        update = decode_pane_record(value)
        assert isinstance(update, PaneUpdate)
        assert (update.group, encode_pane_record(update)) == (group, value)
        found.append(update)
    return found


def cells(rules: RuleHistory, flushes: Sequence[Flush]) -> dict[CellKey, Sums]:
    """What a reader of ``panes`` holds after these flushes, without what is empty again or no
    longer kept."""
    return _held(rules, (update for flush in flushes for update in updates(flush)), flushes[-1])


def slice_cells(rules: RuleHistory, flushes: Sequence[Flush]) -> dict[CellKey, Sums]:
    """The same of the slices alone."""
    stated = (update for flush in flushes for update in updates(flush))
    slices = (msgspec.structs.replace(update, cells=NO_CELLS) for update in stated)
    return _held(rules, slices, flushes[-1])


def _held(rules: RuleHistory, stated: Iterable[PaneUpdate], last: Flush) -> dict[CellKey, Sums]:
    log = PaneLog(rules.zone)
    for update in stated:
        log.take(update)
    watermark = _watermark_of(last)
    return {
        _named(key): summed
        for key, summed in log.rolled_up().items()
        if any((summed.n, summed.total, summed.good))
        and (key.level == TOTAL or key.start_ms >= watermark - KEPT_MS[key.level])
    }


def seal_faults(rules: RuleHistory, flushes: Iterable[Flush]) -> list[str]:
    """What these flushes, the first ones of an engine, seal against the contract."""
    checks = SealChecks(rules.zone, "engine")
    for flush in flushes:
        for update in updates(flush):
            checks.take(update)
    checks.end_flush()
    return checks.faults


def _named(key: ScopeKey) -> CellKey:
    department, kind, name = key.scope
    return department, key.level, key.start_ms, kind, name, key.indicator


def _watermark_of(flush: Flush) -> int:
    return decode_changelog(flush.changelog[-1]).watermark_ms
