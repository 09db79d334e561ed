"""Score records in memory, as the bytes that were read: a read joins them."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from shared.contracts.figures import WINDOWS, ScoreRecord, decode_score
from shared.contracts.scopes import SCOPE_KINDS, Scope

_WINDOW_PLACE: Final[dict[str, int]] = {name: place for place, name in enumerate(WINDOWS)}


class _Head(msgspec.Struct):
    """The part of a record that filters look at."""

    scope: str
    window: str
    stream_ms: int
    rule_version: str


_HEADS: Final = msgspec.json.Decoder(_Head)
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: its raw JSON and what it can be found by."""

    key: str
    scope: Scope
    scope_key: str
    window: str
    stream_ms: int
    raw: bytes

    def record(self) -> ScoreRecord:
        """The decoded record."""
        return decode_score(self.raw)


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """An empty collection or "" asks for everything."""

    kinds: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()
    department: str = ""
    scope: str = ""

    def matches(self, entry: Entry) -> bool:
        """Whether the record is asked for."""
        return (
            (not self.kinds or entry.scope.kind in self.kinds)
            and (not self.windows or entry.window in self.windows)
            and (not self.department or entry.scope.department == self.department)
            and (not self.scope or entry.scope_key == self.scope)
        )


class Page(NamedTuple):
    """Some records, and the key to go on after, or None at the end."""

    entries: list[Entry]
    next: str | None


class ScoreStore:
    """The latest record of every scope and window, in the order of kinds, scopes and windows."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._order: list[tuple[int, str, int]] = []
        self._scopes: dict[str, Scope] = {}
        self.stream_ms = 0
        self.rule_version = ""
        self.revision = 0

    def __len__(self) -> int:
        return len(self._entries)

    def apply(self, key: str, raw: bytes | None) -> Entry | None:
        """Take a record of ``scores``; raises ``msgspec.MsgspecError`` or ``ScopeError``."""
        self.revision += 1
        if raw is None:
            self._remove(key)
            return None
        head = _HEADS.decode(raw)
        scope = self._scope(head.scope)
        entry = Entry(key, scope, head.scope, head.window, head.stream_ms, raw)
        if key not in self._entries:
            insort(self._order, _place(entry))
        self._entries[key] = entry
        if head.stream_ms >= self.stream_ms:
            self.stream_ms, self.rule_version = head.stream_ms, head.rule_version
        return entry

    def page(self, wanted: ScoreFilter, limit: int, after: str | None) -> Page:
        """At most ``limit`` records that follow the key ``after``."""
        entries: list[Entry] = []
        for entry in self._from(after):
            if wanted.matches(entry):
                if len(entries) == limit:
                    return Page(entries, entries[-1].key)
                entries.append(entry)
        return Page(entries, None)

    def departments(self) -> list[str]:
        """Names of all departments that have figures."""
        scopes = (entry.scope for entry in self._entries.values())
        return sorted({scope.id for scope in scopes if scope.kind == "department"})

    def _from(self, after: str | None) -> Iterator[Entry]:
        start = 0
        if after is not None:
            scope_key, _, window = after.rpartition("|")
            known = self._scope(scope_key)
            place = (SCOPE_KINDS.index(known.kind), scope_key, _WINDOW_PLACE.get(window, 0))
            start = bisect_right(self._order, place)
        for _, scope_key, window_place in self._order[start:]:
            yield self._entries[f"{scope_key}|{WINDOWS[window_place]}"]

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._order.remove(_place(entry))

    def _scope(self, key: str) -> Scope:
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = Scope.parse(key)
        return scope


def _place(entry: Entry) -> tuple[int, str, int]:
    return SCOPE_KINDS.index(entry.scope.kind), entry.scope_key, _WINDOW_PLACE[entry.window]


def with_indicators(entry: Entry, indicators: Collection[str]) -> bytes:
    """The record's JSON with these indicators' figures only."""
    record = entry.record()
    record.figures = [figure for figure in record.figures if figure.indicator in indicators]
    return _ENCODER.encode(record)


def brief(entry: Entry) -> bytes:
    """The record's JSON without its figures; ``score`` is always there."""
    record = entry.record()
    return _ENCODER.encode(
        {
            "scope": record.scope,
            "window": record.window,
            "start_ms": record.start_ms,
            "end_ms": record.end_ms,
            "stream_ms": record.stream_ms,
            "rule_version": record.rule_version,
            "provisional": record.provisional,
            "score": record.score,
            "score_parts": record.score_parts,
        }
    )
