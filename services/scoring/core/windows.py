"""Windows that move: absolute cells come in, exact sums per window come out.

The work is done by the compiled `PaneWindows`; here are the names of leaves and scopes, and where
windows lie in the organisation's zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import bellwether_native
import numpy as np
from numpy.typing import NDArray

from services.scoring.core.columns import Column, Integers
from services.scoring.core.figures import Measured, Summary
from services.scoring.core.pane_parts import Part
from services.scoring.core.rules import Measure
from services.scoring.core.window_spans import SPECS, Span, leaves_at, pane_end, span_of
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.leaves import LeafName, scopes_of
from shared.contracts.midnights import midnight_of
from shared.contracts.panes import MINUTE
from shared.contracts.scopes import SCOPE_KINDS, Scope, ScopeName

ALL_WINDOWS: Final = (1 << len(SPECS)) - 1

_LEVELS: Final = [spec.level for spec in SPECS]
_INDICATORS: Final = [(name, INDICATORS[name].kind) for name in INDICATOR_IDS]
_ALWAYS: Final = Span(0, 1 << 62)

_Told = TypeVar("_Told", bound=np.generic)


class PaneWindows:
    """The windows of all scopes in one partition of panes.

    Scopes are small integers here, given out by `scope_id`. Before the first `advance` cells are
    only kept. `take_changed` tells which windows of which scope may have other sums than before.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._windows = bellwether_native.PaneWindows(
            lambda time_ms: midnight_of(time_ms, zone), _LEVELS, _INDICATORS
        )
        self._spans: list[Span] | None = None
        self._leaves: dict[LeafName, int] = {}
        self._scopes: list[Scope] = []
        self._keys: list[str] = []
        self._kinds = Column()
        self._ids: dict[ScopeName, int] = {}

    # -- scopes ---------------------------------------------------------------------------------

    def scope_id(self, scope: Scope) -> int:
        """The number of a scope, given out when it is first asked for."""
        return self._scope_id((scope.department, SCOPE_KINDS.index(scope.kind), scope.id))

    def _scope_id(self, name: ScopeName) -> int:
        number = self._ids.get(name)
        if number is None:
            number = self._ids[name] = len(self._scopes)
            department, kind, id_ = name
            scope = Scope(SCOPE_KINDS[kind], department, id_)
            self._scopes.append(scope)
            self._keys.append(scope.key)
            self._kinds.append(kind)
        return number

    def scope(self, scope_id: int) -> Scope:
        """The inverse of `scope_id`."""
        return self._scopes[scope_id]

    def scope_key(self, scope_id: int) -> str:
        """The `Scope.key` of a scope."""
        return self._keys[scope_id]

    @property
    def scopes(self) -> int:
        """How many scopes are known."""
        return len(self._scopes)

    @property
    def kinds(self) -> Integers:
        """The kind of each scope, a place in SCOPE_KINDS."""
        return self._kinds.values

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return self._windows.cells

    # -- cells ----------------------------------------------------------------------------------

    def apply(self, parts: Sequence[Part]) -> Integers:
        """Replace cells; the parts follow one another and must have passed `check`. Returns by
        scope the place of the last part that changed its windows, or may have: what goes from one
        leaf of a scope to another changes nothing in its sums, and before time begins nobody knows.
        -1 where none did."""
        last_part = self._windows.apply(
            [
                (part.source, part.sealed_ms, self._numbers(part.cells.leaves), part.cells.columns)
                for part in parts
            ]
        )
        return self._by_scope(np.frombuffer(last_part, np.int64), -1)

    def _numbers(self, names: list[LeafName]) -> list[int]:
        """The numbers of leaves, given out when they are first asked for."""
        return [self._leaf(name) for name in names]

    def _leaf(self, name: LeafName) -> int:
        number = self._leaves.get(name)
        if number is None:
            number = self._leaves[name] = len(self._leaves)
            self._windows.learn([self._scope_id(scope) for scope in scopes_of(name)])
        return number

    def _by_scope(self, told: NDArray[_Told], other: int) -> NDArray[_Told]:
        """With an entry for scopes that nothing was told of."""
        every = np.full(len(self._scopes), other, told.dtype)
        every[: len(told)] = told
        return every

    # -- time -----------------------------------------------------------------------------------

    def advance(self, stream_ms: int) -> int:
        """Move all windows to a stream time (never back). Returns the windows (as bits) that
        moved."""
        self._spans = [span_of(spec, stream_ms, self._zone) for spec in SPECS]
        return self._windows.advance(stream_ms, self._spans)

    def next_change(self, after_ms: int, until_ms: int) -> Iterator[int]:
        """Instants in ``(after_ms, until_ms]`` at which panes enter or leave a window: the end of
        a pane that enters, and the moment from which one has left. Unordered, with repetitions."""
        for window, spec in enumerate(SPECS):
            span, last = self.span(window), span_of(spec, until_ms, self._zone)
            for start in self._windows.starts(spec.level, span.end_ms, last.end_ms):
                yield pane_end(spec.level, start, self._zone)
            for start in self._windows.starts(spec.level, span.start_ms, last.start_ms):
                yield leaves_at(spec, start, self._zone)

    # -- reading --------------------------------------------------------------------------------

    def take_changed(self) -> NDArray[np.uint8]:
        """By scope, the windows (as bits) whose sums changed since the last call, or may have (see
        `apply`)."""
        return self._by_scope(np.frombuffer(self._windows.take_changed(), np.uint8), 0)

    def occupied(self, window: int) -> Integers:
        """Scopes with anything in a window, ascending."""
        return np.frombuffer(self._windows.occupied(window), np.int64)

    def span(self, window: int) -> Span:
        """Where a window lies now."""
        assert self._spans is not None
        return self._spans[window]

    def stamp(self, window: int, scope_id: int, indicator: int) -> int:
        """Grows when the sums of an indicator change in a window; 0 while there were none."""
        return self._windows.stamp(window, scope_id, indicator)

    def has_seen(self, scope_id: int, indicator: int) -> bool:
        """Whether an indicator was ever seen of a scope."""
        return self._windows.has_seen(scope_id, indicator)

    def summary(self, window: int, scope_id: int, indicator: int) -> Summary | None:
        """The sums of an indicator in a window; a gauge's level at the window's end is its
        ``total``. None without data."""
        return self._windows.summary(window, scope_id, indicator)

    def measured(self, window: int, scope_id: int, indicator: int, how: Measure) -> Measured | None:
        """One measure of an indicator in a window; None without data."""
        measured = self._windows.measured(window, scope_id, indicator, how)
        return None if measured is None else Measured(*measured)

    def figures(
        self, window: int, scope_id: int, provisional: int, others: Mapping[int, bytes]
    ) -> tuple[bytes, bool]:
        """The figures of all indicators with data, as JSON, and whether none has a case. Those of
        ``provisional`` (as bits) may still turn out otherwise; ``others`` are written already."""
        return self._windows.figures(window, scope_id, provisional, others)

    @property
    def earliest_ms(self) -> int | None:
        """Start of the oldest minute kept."""
        starts = self._windows.starts(MINUTE, *_ALWAYS)
        return starts[0] if starts else None
