"""From the rows of one case to its events. Pure: no file, no clock, no network."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from deploy.events_client.cloudevent import encode_event
from deploy.replay.cells import day_clock
from deploy.replay.conditions import Clock, Grows, RowView, holds, spend, walk
from deploy.replay.mapping import EventRule, Mapping
from deploy.replay.rows import Reject, Row
from deploy.replay.values import Cell, Cells, evaluate
from shared.contracts.decode import DecodeError, decode_event
from shared.contracts.events import event_models
from shared.contracts.fields import NAME_LENGTH

_RANKS: Final = {name: rank for rank, name in enumerate(event_models())}


@dataclass(frozen=True)
class PlannedEvent:
    """An event ready to send: ``at`` in milliseconds since 1970, ``body`` its CloudEvent in JSON.

    ``line`` and ``row`` say where it comes from.
    """

    at: int
    type: str
    line: int
    row: int
    body: bytes


@dataclass
class CaseOutcome:
    """What the rows of one case gave. ``withheld`` counts `unless` reasons, ``stepped`` the
    events whose time moved to keep their order."""

    events: list[PlannedEvent] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    withheld: Counter[str] = field(default_factory=Counter)
    stepped: int = 0


@dataclass
class _Draft:
    at: int
    rule: str
    type: str
    row: Row
    id: str
    subject: object
    data: dict[str, object]


class CaseEngine:
    """Applies a mapping's rules to one case at a time."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.firsts = mapping.firsts()
        self.carried = [name for name, rule in mapping.columns.items() if rule.carry]
        self.clocks = {
            column: ZoneInfo(mapping.columns[column].zone or mapping.zone)
            for _, condition in mapping.conditions()
            for part in walk(condition)
            if isinstance(part, Clock)
            for column in part.columns()
        }

    def run(self, rows: Sequence[Row]) -> CaseOutcome:
        """The events of a case; ``rows`` are all of its rows, in the mapping's order."""
        return _CaseRun(self).run(rows)


class _CaseRun:
    """The state of one case while its rows go by."""

    def __init__(self, engine: CaseEngine) -> None:
        self._engine = engine
        self._mapping = engine.mapping
        self._outcome = CaseOutcome()
        self._ordinals: Counter[str] = Counter()

    def run(self, rows: Sequence[Row]) -> CaseOutcome:
        drafts: list[_Draft] = []
        spent: set[int] = set()
        previous: dict[str, Cell] | None = None
        for row in rows:
            cells = self._carry(row.cells, previous)
            view = RowView(cells, previous, self._clock_cells(cells), spent)
            reason = next((g.reason for g in self._mapping.reject if holds(g.when, view)), None)
            if reason is not None:
                self._outcome.rejects.append(_reject(row, reason))
                continue
            for name, rule in self._mapping.events.items():
                drafts += self._drafts(name, rule, row, view)
            spend(self._engine.firsts, view)
            previous = cells
        self._finish(drafts)
        return self._outcome

    def _carry(self, cells: dict[str, Cell], previous: dict[str, Cell] | None) -> dict[str, Cell]:
        if previous is None:
            return cells
        kept = {name: previous[name] for name in self._engine.carried if cells[name] is None}
        return {**cells, **kept} if kept else cells

    def _clock_cells(self, cells: dict[str, Cell]) -> dict[str, Cell]:
        return {
            name: day_clock(moment, zone)
            for name, zone in self._engine.clocks.items()
            if isinstance(moment := cells[name], int)
        }

    def _drafts(self, name: str, rule: EventRule, row: Row, view: RowView) -> list[_Draft]:
        count = _count(rule, view)
        if not count or not holds(rule.when, view):
            return []
        for guard in rule.unless:
            if holds(guard.when, view):
                self._outcome.withheld[f"{name}: {guard.reason}"] += count
                return []
        at = evaluate(rule.time, view.cells)
        if not isinstance(at, int):
            self._outcome.rejects.append(_reject(row, "the event's time is empty", name))
            return []
        return [self._draft(name, rule, row, view.cells, at) for _ in range(count)]

    def _draft(self, name: str, rule: EventRule, row: Row, cells: Cells, at: int) -> _Draft:
        case = "/".join(str(cells[column]) for column in self._mapping.case_columns)
        subject = self._mapping.subject
        data = {key: evaluate(value, cells) for key, value in rule.data.items()}
        return _Draft(
            at=at,
            rule=name,
            type=rule.type,
            row=row,
            id=self._event_id([case, name, *(str(cells[column]) for column in rule.id or ())]),
            subject=case if subject is None else evaluate(subject, cells),
            data={key: value for key, value in data.items() if value is not None},
        )

    def _event_id(self, parts: Sequence[str]) -> str:
        """Readable, and the same in every replay; the ordinal makes it unique in its case."""
        stem = ":".join(parts)
        self._ordinals[stem] += 1
        text = f"{stem}:{self._ordinals[stem]}"
        return text if len(text) <= NAME_LENGTH else hashlib.sha256(text.encode()).hexdigest()

    def _finish(self, drafts: list[_Draft]) -> None:
        drafts.sort(key=lambda draft: draft.at)
        if self._mapping.same_instant == "step":
            self._outcome.stepped = _step(drafts)
        for draft in drafts:
            body = encode_event(
                source=self._mapping.source,
                id=draft.id,
                type=draft.type,
                subject=str(draft.subject),
                at_ms=draft.at,
                data=draft.data,
            )
            try:
                decode_event(body)
            except DecodeError as error:
                self._outcome.rejects.append(_reject(draft.row, str(error), draft.rule))
                continue
            row = draft.row
            self._outcome.events.append(PlannedEvent(draft.at, draft.type, row.line, row.row, body))


def _count(rule: EventRule, view: RowView) -> int:
    if rule.one_per_growth_of is None:
        return 1
    return Grows(grows=rule.one_per_growth_of, from_=rule.growth_from).growth(view)


def _step(drafts: Sequence[_Draft]) -> int:
    """Move equal times by 1 ms where readers, who order a ticket's events of one stream by time
    and then type, would see another order than the log's. Returns how many moved."""
    moved = 0
    last: dict[str, tuple[int, int]] = {}
    for draft in drafts:
        stream = draft.type.partition(".")[0]
        rank = _RANKS[draft.type]
        last_at, last_rank = last.get(stream, (draft.at, -1))
        at = max(draft.at, last_at + (rank <= last_rank))
        moved += at != draft.at
        draft.at = at
        last[stream] = (at, rank)
    return moved


def _reject(row: Row, reason: str, event: str = "") -> Reject:
    return Reject(row.line, row.row, reason, event, tuple(row.cells.values()))
