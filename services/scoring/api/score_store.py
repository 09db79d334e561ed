"""Score records in memory, as the bytes that were read: a read joins them."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from shared.contracts.figures import WINDOWS, ScoreRecord, Verdict, decode_score
from shared.contracts.scopes import SCOPE_KINDS, Scope

_WINDOW_PLACE: Final[dict[str, int]] = {name: place for place, name in enumerate(WINDOWS)}
_ALL_WINDOWS: Final = tuple(range(len(WINDOWS)))
_KEPT: Final = frozenset({_ALL_WINDOWS, *((place,) for place in _ALL_WINDOWS)})
_DIGEST_BYTES: Final = 12
_IN_DEPARTMENT: Final = frozenset({"team", "employee"})
_AFTER_SLASH: Final = chr(ord("/") + 1)


class _Judged(msgspec.Struct):
    verdict: Verdict
    breached: bool = False


class _JudgedFigure(msgspec.Struct):
    targets: list[_Judged] = msgspec.field(default_factory=list)


class _Head(msgspec.Struct):
    """The part of a record that filters look at, and that a scoreboard shows."""

    scope: str
    window: str
    stream_ms: int
    rule_version: str
    provisional: bool
    figures: list[_JudgedFigure]
    score: float | None = None


_HEADS: Final = msgspec.json.Decoder(_Head)
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Entry:
    """One record: its raw JSON and what it can be found by. It is never changed. ``cell`` is the
    window's place in a row of the scoreboard, as a member of an object; the other short form is
    encoded when it is first asked for, and kept."""

    key: str
    scope: Scope
    scope_key: str
    window: str
    stream_ms: int
    raw: bytes
    cell: bytes
    _brief: bytes = field(default=b"", init=False)

    def record(self) -> ScoreRecord:
        """The decoded record."""
        return decode_score(self.raw)

    def brief(self) -> bytes:
        """The record's JSON without its figures; ``score`` is always there."""
        if not self._brief:
            self._brief = _brief(self.record())
        return self._brief


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


class Board(NamedTuple):
    """Some rows of the scoreboard as JSON, their digests one after the other, and the scope to go
    on after, or None at the end."""

    rows: list[bytes]
    digests: bytes
    next: str | None


class _View(NamedTuple):
    """A row as JSON, empty when it has none of the windows; the digest is the same on every
    replica."""

    key: str
    json: bytes
    digest: bytes


class _Row:
    """The records of one scope, by the place of their window. The view of all windows and those of
    single ones are kept until a record changes."""

    __slots__ = ("entries", "key", "views")

    def __init__(self, key: str) -> None:
        self.key = key
        self.entries: list[Entry | None] = [None] * len(WINDOWS)
        self.views: dict[tuple[int, ...], _View] = {}

    def put(self, place: int, entry: Entry | None) -> None:
        self.entries[place] = entry
        self.views.clear()

    def view(self, places: tuple[int, ...]) -> _View:
        """With these windows; to be called for a view that is not kept."""
        json = self._encode(places)
        view = _View(self.key, json, hashlib.blake2b(json, digest_size=_DIGEST_BYTES).digest())
        if places in _KEPT:
            self.views[places] = view
        return view

    def _encode(self, places: tuple[int, ...]) -> bytes:
        cells = [entry.cell for place in places if (entry := self.entries[place])]
        if not cells:
            return b""
        return b'{"scope":%b,"windows":{%b}}' % (_ENCODER.encode(self.key), b",".join(cells))


class ScoreStore:
    """The latest record of every scope and window, in the order of kinds, scopes and windows."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._order: list[tuple[int, str]] = []
        self._ordered: list[_Row] = []
        self._scopes: dict[str, Scope] = {}
        self._records = 0
        self._changed: dict[tuple[str, str, str], int] = {}
        self.stream_ms = 0
        self.rule_version = ""
        self.revision = 0

    def __len__(self) -> int:
        return self._records

    def apply(self, key: str, raw: bytes | None) -> Entry | None:
        """Take a record of ``scores``; raises ``msgspec.MsgspecError`` or ``ScopeError``."""
        self.revision += 1
        if raw is None:
            self._remove(key)
            return None
        head = _HEADS.decode(raw)
        scope = self._scope(head.scope)
        entry = Entry(key, scope, head.scope, head.window, head.stream_ms, raw, _cell(head))
        self._put(entry)
        if head.stream_ms >= self.stream_ms:
            self.stream_ms, self.rule_version = head.stream_ms, head.rule_version
        return entry

    def page(self, wanted: ScoreFilter, limit: int, after: str | None) -> Page:
        """At most ``limit`` records that follow the key ``after``."""
        entries: list[Entry] = []
        for entry in self._from(wanted, after):
            if len(entries) == limit:
                return Page(entries, entries[-1].key)
            entries.append(entry)
        return Page(entries, None)

    def board(self, wanted: ScoreFilter, limit: int, after: str | None) -> Board:
        """At most ``limit`` scopes that follow the scope ``after``, a row each."""
        start = (0, "") if after is None else _behind(after)
        views = self._views(wanted, start, limit + 1)
        shown = views[:limit]
        return Board(
            [view.json for view in shown],
            b"".join([view.digest for view in shown]),
            shown[-1].key if len(views) > limit else None,
        )

    def _views(self, wanted: ScoreFilter, start: tuple[int, str], count: int) -> list[_View]:
        """The first ``count`` rows that are not empty."""
        places = _places(wanted)
        views: list[_View] = []
        for position, end in self._spans(wanted, start):
            first = position
            while first < end and len(views) < count:
                rows = self._ordered[first : min(end, first + count - len(views))]
                first += len(rows)
                views += [
                    view for row in rows if (view := row.views.get(places) or row.view(places)).json
                ]
        return views

    def changed(self, wanted: ScoreFilter) -> int:
        """The revision of the last change of a record that ``wanted`` matches, or a later one when
        it names a scope; 0 when there was none."""
        return max(
            self._changed.get((kind, wanted.department, window), 0)
            for kind in wanted.kinds or SCOPE_KINDS
            for window in wanted.windows or ("",)
        )

    def departments(self) -> list[str]:
        """Names of all departments that have figures."""
        first, end = self._bounds("department", "")
        return sorted(self._scopes[key].id for _, key in self._order[first:end])

    def _from(self, wanted: ScoreFilter, after: str | None) -> Iterator[Entry]:
        places = _places(wanted)
        scope_key, _, window = (after or "").rpartition("|")
        start = (0, "") if after is None else _place(scope_key)
        passed = _WINDOW_PLACE.get(window, 0)
        for first, end in self._spans(wanted, start):
            for row in self._ordered[first:end]:
                for number in places:
                    entry = row.entries[number]
                    if entry is not None and (row.key != scope_key or number > passed):
                        yield entry

    def _spans(self, wanted: ScoreFilter, start: tuple[int, str]) -> Iterator[tuple[int, int]]:
        """Where the scopes that are asked for lie in the order, from the place ``start`` on."""
        begin = bisect_left(self._order, start)
        if wanted.scope:
            if wanted.scope in self._rows and self._is_wanted(wanted, wanted.scope):
                first = self._position(wanted.scope)
                yield max(first, begin), first + 1
            return
        for kind in SCOPE_KINDS:
            if not wanted.kinds or kind in wanted.kinds:
                first, end = self._bounds(kind, wanted.department)
                yield max(first, begin), end

    def _is_wanted(self, wanted: ScoreFilter, key: str) -> bool:
        scope = self._scopes[key]
        return (not wanted.kinds or scope.kind in wanted.kinds) and (
            not wanted.department or scope.department == wanted.department
        )

    def _bounds(self, kind: str, department: str) -> tuple[int, int]:
        """Where a kind's scopes lie in the order, or those of one department."""
        number = SCOPE_KINDS.index(kind)
        if not department:
            first = bisect_left(self._order, (number, ""))
            return first, bisect_left(self._order, (number + 1, ""), first)
        head = f"{kind}:{quote(department, safe='')}"
        if kind in _IN_DEPARTMENT:
            first = bisect_left(self._order, (number, head + "/"))
            return first, bisect_left(self._order, (number, head + _AFTER_SLASH), first)
        if kind == "department":
            first = bisect_left(self._order, (number, head))
            return first, bisect_right(self._order, (number, head), first)
        return 0, 0

    def _put(self, entry: Entry) -> None:
        row = self._rows.get(entry.scope_key)
        if row is None:
            row = self._rows[entry.scope_key] = _Row(entry.scope_key)
            position = self._position(entry.scope_key)
            self._order.insert(position, _place(entry.scope_key))
            self._ordered.insert(position, row)
        place = _WINDOW_PLACE[entry.window]
        self._records += row.entries[place] is None
        row.put(place, entry)
        self._touch(entry.scope, entry.window)

    def _remove(self, key: str) -> None:
        scope_key, _, window = key.rpartition("|")
        row = self._rows.get(scope_key)
        place = _WINDOW_PLACE.get(window)
        if row is None or place is None or row.entries[place] is None:
            return
        row.put(place, None)
        self._records -= 1
        self._touch(self._scopes[scope_key], window)
        if not any(row.entries):
            del self._rows[scope_key]
            position = self._position(scope_key)
            del self._order[position], self._ordered[position]

    def _position(self, scope_key: str) -> int:
        return bisect_left(self._order, _place(scope_key))

    def _touch(self, scope: Scope, window: str) -> None:
        """A record of this scope and window has changed; "" stands for any department or window."""
        for department in (scope.department, ""):
            self._changed[scope.kind, department, window] = self.revision
            self._changed[scope.kind, department, ""] = self.revision

    def _scope(self, key: str) -> Scope:
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = Scope.parse(key)
        return scope


def _place(scope_key: str) -> tuple[int, str]:
    return SCOPE_KINDS.index(Scope.parse(scope_key).kind), scope_key


def _behind(scope_key: str) -> tuple[int, str]:
    """The first place that a scope after this one can have."""
    number, key = _place(scope_key)
    return number, key + "\0"


def _places(wanted: ScoreFilter) -> tuple[int, ...]:
    if not wanted.windows:
        return _ALL_WINDOWS
    return tuple(place for name, place in _WINDOW_PLACE.items() if name in wanted.windows)


def with_indicators(entry: Entry, indicators: Collection[str]) -> bytes:
    """The record's JSON with these indicators' figures only."""
    record = entry.record()
    record.figures = [figure for figure in record.figures if figure.indicator in indicators]
    return _ENCODER.encode(record)


def _brief(record: ScoreRecord) -> bytes:
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


def _cell(head: _Head) -> bytes:
    judged = [target for figure in head.figures for target in figure.targets]
    standing = {
        "score": head.score,
        "provisional": head.provisional,
        "missed": sum(target.verdict == "missed" for target in judged),
        "breached": sum(target.breached for target in judged),
    }
    return b'"%b":%b' % (head.window.encode(), _ENCODER.encode(standing))
