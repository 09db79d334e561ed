"""One partition of panes: from its records to figures, verdicts, scores and breaches.

No broker and no clock: `take` applies records, `tick` moves time and says what has become true,
`due_scores` makes the records whose turn it is, some at a time, for nothing waits for them. In a
replay targets are judged on a fixed grid of quarter-hours of stream time, so that transitions do
not depend on how the records were batched.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.scoring.core.breach_watch import BreachWatch, Subject
from services.scoring.core.columns import Integers, grown
from services.scoring.core.derived import DERIVED, DerivedReading
from services.scoring.core.emission import Emission
from services.scoring.core.figures import NOTHING, Measured, Reading
from services.scoring.core.pane_parts import Part
from services.scoring.core.rules import Measure, RuleHistory, RuleSet, Target
from services.scoring.core.score import score
from services.scoring.core.stream_time import StreamClock
from services.scoring.core.verdicts import judge
from services.scoring.core.window_spans import PLACE, SPECS
from services.scoring.core.windows import ALL_WINDOWS, PaneWindows
from shared.contracts.breaches import Breach
from shared.contracts.figures import Figure, WrittenScore, encode_figure
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS, is_settled
from shared.contracts.panes import MINUTE_MS, QUARTER_MS, PaneRecord, PaneUpdate
from shared.contracts.scopes import Scope

_CELLS_PER_BATCH: Final = 50_000
_NEVER: Final = -1
_INDICATOR_PLACE: Final = {name: place for place, name in enumerate(INDICATOR_IDS)}
_SETTLING: Final = [p for p, name in enumerate(INDICATOR_IDS) if INDICATORS[name].settles_ms]


class Evaluation:
    """State and arithmetic of one partition of panes.

    ``sources`` is how many input partitions there are, ``history`` the past transitions of the
    scopes that live here. ``fresh`` says that the partition held nothing: then targets are judged
    from its first pane on, else from the present.
    """

    def __init__(
        self, rules: RuleHistory, sources: int, history: Iterable[Breach] = (), *, fresh: bool
    ) -> None:
        self._rules = rules
        self._current: RuleSet | None = None
        self._windows = PaneWindows(rules.zone)
        self._clock = StreamClock(sources)
        self._watch = BreachWatch(history)
        self._emission = Emission()
        self._fresh = fresh
        self._at_ms = 0
        self._moved = 0
        self._to_judge: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._subjects: dict[int, list[_Watched]] = {}
        self._moved_by_time: dict[str, Subject] = {}
        self._timed_minute = 0
        self._news_received: Integers = np.zeros(0, np.int64)
        self._received: Integers = np.zeros(0, np.int64)
        self._on_duty: dict[int, int | None] = {}
        self._unsettled: dict[int, int] = {}
        self._sent_received: dict[tuple[int, int], int] = {}

    @property
    def stream_ms(self) -> int:
        """Stream time of the last tick; 0 before the first."""
        return self._at_ms

    @property
    def live(self) -> bool:
        """Whether stream time follows the wall clock."""
        return self._clock.live

    @property
    def cells(self) -> int:
        """Cells kept."""
        return self._windows.cells

    @property
    def scopes(self) -> int:
        """Scopes known."""
        return self._windows.scopes

    @property
    def active_breaches(self) -> int:
        """Breaches that go on."""
        return len(self._watch.active)

    # -- records --------------------------------------------------------------------------------

    def take(self, records: Sequence[PaneRecord], now_ms: int) -> None:
        """Apply records of ``panes``, in order."""
        updates = [record for record in records if isinstance(record, PaneUpdate)]
        for batch in _batches(updates):
            self._apply(batch)
        for record in records:
            self._clock.observe(record.source, record.watermark_ms, record.caught_up, now_ms)

    def _apply(self, updates: Sequence[PaneUpdate]) -> None:
        parts: list[Part] = []
        received: list[int] = []
        for update in updates:
            stated = update.slice_cells, update.cells
            parts += [Part(update.source, update.sealed_ms, cells) for cells in stated]
            received += 0, update.received_ms
        self._note_receptions(self._windows.apply(parts), np.array(received, np.int64))

    def _note_receptions(self, last_parts: Integers, received: Integers) -> None:
        """Remember when what changed a scope was received."""
        self._received = grown(self._received, len(last_parts))
        self._news_received = grown(self._news_received, len(last_parts))
        scopes = np.flatnonzero(last_parts >= 0)
        at = received[last_parts[scopes]]
        self._received[scopes[at > 0]] = at[at > 0]
        self._news_received[scopes[at > 0]] = at[at > 0]

    def forget_receptions(self) -> None:
        """What was taken so far is old: nothing that follows from it is news."""
        self._news_received[:] = 0
        self._received[:] = 0

    # -- time -----------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> list[Breach]:
        """Move to the stream time of now; what became true on the way."""
        breaches: list[Breach] = []
        stream_ms = self._clock.advance(now_ms)
        if stream_ms is None:
            return breaches
        if not self._at_ms:
            self._begin(stream_ms)
        for instant in self._grid(stream_ms):
            self._move(instant - 1)
            breaches += self._judge(instant)
        self._move(stream_ms)
        if self._clock.settled:
            breaches += self._judge(stream_ms)
        self._want_moved()
        return breaches

    def _begin(self, stream_ms: int) -> None:
        earliest = self._windows.earliest_ms
        begin = min(earliest, stream_ms) if self._fresh and earliest is not None else stream_ms
        self._move(begin)
        for breach in self._watch.active:
            scope_id = self._windows.scope_id(Scope.parse(breach.scope))
            self._want_judged(np.array([scope_id]), ALL_WINDOWS)

    def _grid(self, stream_ms: int) -> Iterator[int]:
        """The quarter-hours up to ``stream_ms`` at which there is something to judge, in order.
        Judging may begin a ``for`` that elapses on the way."""
        changes = self._instants_of_change(stream_ms)
        judged_ms = self._at_ms
        while True:
            due = self._watch.next_due()
            elapsed = [_quarter_at(due)] if due is not None else []
            passing = [_next_quarter(judged_ms)] if self._moved_by_time else []
            instant = min([*changes[:1], *elapsed, *passing], default=stream_ms + 1)
            if instant > stream_ms:
                return
            yield max(instant, self._at_ms + 1)
            judged_ms = max(judged_ms, instant)
            changes = changes[bisect_right(changes, instant) :]

    def _instants_of_change(self, stream_ms: int) -> list[int]:
        first = _next_quarter(self._at_ms)
        if first > stream_ms:
            return []
        instants = set(map(_quarter_at, self._windows.next_change(self._at_ms, stream_ms)))
        if self._to_judge.any():
            instants.add(first)
        return sorted(instant for instant in instants if first <= instant <= stream_ms)

    def _move(self, stream_ms: int) -> None:
        self._at_ms = max(self._at_ms, stream_ms)
        self._on_duty.clear()
        self._unsettled.clear()
        self._moved |= self._windows.advance(self._at_ms)
        changed = self._windows.take_changed()
        scopes = np.flatnonzero(changed)
        self._want_judged(scopes, changed[scopes])
        self._emission.want(scopes, changed[scopes].astype(np.int64))

    def _want_judged(self, scopes: Integers, windows: NDArray[np.uint8] | int) -> None:
        self._to_judge = grown(self._to_judge, self._windows.scopes)
        self._to_judge[scopes] |= np.asarray(windows, np.uint8)

    def _want_moved(self) -> None:
        """Windows that hold something are sent again when they lie elsewhere."""
        for window in range(len(SPECS)):
            if self._moved >> window & 1:
                self._emission.want(self._windows.occupied(window), 1 << window)
        self._moved = 0

    # -- targets --------------------------------------------------------------------------------

    def _judge(self, at_ms: int) -> list[Breach]:
        breaches = self._follow_rules(at_ms)
        version = self._rules_in_force().version
        looked: set[str] = set()
        scopes = np.flatnonzero(self._to_judge)
        for scope_id, windows in zip(scopes.tolist(), self._to_judge[scopes].tolist(), strict=True):
            received = self._news_of(scope_id)
            for watched in self._watched(scope_id):
                if windows >> watched.window & 1 and self._is_news(watched):
                    looked.add(watched.key)
                    breaches += self._look(watched.subject, at_ms, received, version)
        self._to_judge[:] = 0
        self._news_received[:] = 0
        for subject in [*self._watch.due(at_ms), *self._moved_until(at_ms)]:
            if subject.key not in looked:
                looked.add(subject.key)
                breaches += self._look(subject, at_ms, 0, version)
        return breaches

    def _moved_until(self, at_ms: int) -> list[Subject]:
        """Subjects whose figure is another because time on duty has passed; once a minute."""
        minute = at_ms // MINUTE_MS
        if minute == self._timed_minute:
            return []
        self._timed_minute = minute
        return list(self._moved_by_time.values())

    def _news_of(self, scope_id: int) -> int:
        known = self._news_received
        return int(known[scope_id]) if scope_id < len(known) else 0

    def _is_news(self, watched: _Watched) -> bool:
        """Whether the figure may be another than when it was last looked at."""
        stamp = self._windows.stamp(watched.window, watched.subject.scope_id, watched.indicator)
        if stamp and stamp == watched.seen:
            return False
        watched.seen = stamp
        return True

    def _look(
        self, subject: Subject, at_ms: int, received_ms: int, version: str
    ) -> Iterator[Breach]:
        measured = self._measure(subject.target, subject.scope_id)
        self._note_derived(subject, measured)
        record = self._watch.look(
            subject, measured, at_ms=at_ms, received_ms=received_ms, rules=version
        )
        if record is not None:
            window = 1 << PLACE[subject.target.window]
            self._emission.want(subject.scope_id, window)
            yield record

    def _note_derived(self, subject: Subject, measured: Measured) -> None:
        if subject.target.indicator in DERIVED and measured.n:
            self._moved_by_time[subject.key] = subject
        else:
            self._moved_by_time.pop(subject.key, None)

    def _measure(self, target: Target, scope_id: int) -> Measured:
        window = PLACE[target.window]
        if target.indicator not in DERIVED:
            place = _INDICATOR_PLACE[target.indicator]
            measured = self._windows.measured(window, scope_id, place, target.measure)
            if measured is not None:
                return measured
        return self._reading(window, scope_id, target.indicator).measure(target.measure)

    def _reading(self, window: int, scope_id: int, indicator: str) -> Reading:
        derivation = DERIVED.get(indicator)
        place = _INDICATOR_PLACE[derivation.source if derivation else indicator]
        summary = self._windows.summary(window, scope_id, place)
        if derivation is None:
            return Reading(indicator, summary)
        return DerivedReading(indicator, summary, self._on_duty_ms(window))

    def _on_duty_ms(self, window: int) -> int | None:
        """Working time in a window, up to now."""
        if window not in self._on_duty:
            start, end = self._windows.span(window)
            self._on_duty[window] = self._rules.on_duty_ms(start, min(end, self._at_ms))
        return self._on_duty[window]

    def _watched(self, scope_id: int) -> list[_Watched]:
        watched = self._subjects.get(scope_id)
        if watched is None:
            scope = self._windows.scope(scope_id)
            targets = self._rules_in_force().targets_for(scope)
            watched = [_Watched(Subject(target, scope_id, scope.key)) for target in targets]
            self._subjects[scope_id] = watched
        return watched

    def _subjects_of(self, scope_id: int) -> list[Subject]:
        return [watched.subject for watched in self._watched(scope_id)]

    def _rules_in_force(self) -> RuleSet:
        return self._current or self._rules.at(self._at_ms)

    def _follow_rules(self, at_ms: int) -> list[Breach]:
        """When another version comes into force: judge everything anew, and end the breaches of
        targets that are no more."""
        rules = self._rules.at(at_ms)
        if rules is self._current:
            return []
        self._current = rules
        self._subjects.clear()
        self._moved_by_time.clear()
        self._watch.forget_waiting()
        every_scope = np.arange(self._windows.scopes)
        self._want_judged(every_scope, ALL_WINDOWS)
        self._emission.want(every_scope, ALL_WINDOWS)
        return [self._watch.end(b, at_ms=at_ms, rules=rules.version) for b in self._orphans()]

    def _orphans(self) -> list[Breach]:
        return [breach for breach in self._watch.active if not self._has_subject(breach)]

    def _has_subject(self, breach: Breach) -> bool:
        scope_id = self._windows.scope_id(Scope.parse(breach.scope))
        return any(subject.key == breach.key for subject in self._subjects_of(scope_id))

    # -- scores ---------------------------------------------------------------------------------

    def due_scores(self, now_ms: int, most: int) -> Iterator[WrittenScore | None]:
        """The records of at most so many windows whose turn it is (`Emission.due`); None for one
        that is still empty, of which nothing is sent. Each is made when it is asked for, as of the
        last tick; one that is not keeps its turn."""
        due = self._emission.due(self._windows.kinds, now_ms, most)
        for scope_id, window in due:
            record, is_empty = self._record(scope_id, window)
            is_sent = self._emission.sent(scope_id, window, now_ms, empty=is_empty)
            yield record if is_sent else None

    def _record(self, scope_id: int, window: int) -> tuple[WrittenScore, bool]:
        """A record, and whether it tells of nothing at all."""
        rules = self._rules_in_force()
        spec, span = SPECS[window], self._windows.span(window)
        subjects = [s for s in self._subjects_of(scope_id) if s.target.window == spec.name]
        readings = self._readings(scope_id, window, subjects)
        own = [self._figure(reading, subjects, span.end_ms) for reading in readings.values()]
        others = {_INDICATOR_PLACE[figure.indicator]: encode_figure(figure) for figure in own}
        figures, is_empty = self._windows.figures(
            window, scope_id, self._unsettled_in(window), others
        )
        is_empty = is_empty and all(figure.n == 0 for figure in own)
        record = WrittenScore(
            scope=self._windows.scope_key(scope_id),
            window=spec.name,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            stream_ms=self._at_ms,
            rule_version=rules.version,
            provisional=span.end_ms + rules.lateness_ms > self._at_ms,
            figures=msgspec.Raw(figures),
            received_ms=self._received_since(scope_id, window),
        )
        if rules.score is not None and not is_empty:
            lookup = _Lookup(self._windows, window, scope_id, readings)
            result = score(rules.score, self._windows.scope(scope_id).department, lookup)
            record.score, record.score_parts = result.value, result.parts
        return record, is_empty

    def _readings(self, scope_id: int, window: int, subjects: list[Subject]) -> dict[str, Reading]:
        """By indicator: those that a target asks for, unless nothing was ever seen of them, and
        what is made of others where the time on duty is known."""
        targeted = {subject.target.indicator for subject in subjects}
        wanted = {name for name in targeted if name in DERIVED or self._has_seen(scope_id, name)}
        if self._windows.scope(scope_id).kind == "employee" and self._on_duty_ms(window):
            sources = ((name, derivation.source) for name, derivation in DERIVED.items())
            wanted |= {
                name
                for name, source in sources
                if source in wanted or self._has_data(window, scope_id, source)
            }
        return {name: self._reading(window, scope_id, name) for name in wanted}

    def _has_seen(self, scope_id: int, indicator: str) -> bool:
        return self._windows.has_seen(scope_id, _INDICATOR_PLACE[indicator])

    def _has_data(self, window: int, scope_id: int, indicator: str) -> bool:
        place = _INDICATOR_PLACE[indicator]
        return self._windows.measured(window, scope_id, place, "value") is not None

    def _figure(self, reading: Reading, subjects: list[Subject], end_ms: int) -> Figure:
        figure = reading.figure()
        figure.provisional = not is_settled(reading.indicator, end_ms, self._at_ms)
        figure.targets = [
            judge(
                subject.target,
                reading.measure(subject.target.measure),
                self._watch.is_breached(subject.key),
            )
            for subject in subjects
            if subject.target.indicator == reading.indicator
        ]
        return figure

    def _unsettled_in(self, window: int) -> int:
        """The indicators (as bits) of which cases of a window may still turn out otherwise."""
        if window not in self._unsettled:
            end_ms = self._windows.span(window).end_ms
            places = (p for p in _SETTLING if not is_settled(INDICATOR_IDS[p], end_ms, self._at_ms))
            self._unsettled[window] = sum(1 << place for place in places)
        return self._unsettled[window]

    def _received_since(self, scope_id: int, window: int) -> int:
        received = int(self._received[scope_id]) if scope_id < len(self._received) else 0
        if self._sent_received.get((scope_id, window)) == received:
            return 0
        self._sent_received[scope_id, window] = received
        return received


class _Watched:
    """A target of one scope, and the stamp of its series when it was last looked at."""

    __slots__ = ("indicator", "key", "seen", "subject", "window")

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.key = subject.key
        self.window = PLACE[subject.target.window]
        self.indicator = _INDICATOR_PLACE[subject.target.indicator]
        self.seen = _NEVER


class _Lookup:
    """Gives the score its figures: those of ``readings``, and what else there is in the window."""

    def __init__(
        self, windows: PaneWindows, window: int, scope_id: int, readings: dict[str, Reading]
    ) -> None:
        self._windows = windows
        self._window = window
        self._scope_id = scope_id
        self._readings = readings

    def __call__(self, indicator: str, how: Measure) -> Measured:
        reading = self._readings.get(indicator)
        if reading is not None:
            return reading.measure(how)
        place = _INDICATOR_PLACE[indicator]
        return self._windows.measured(self._window, self._scope_id, place, how) or NOTHING


def _batches(updates: Iterable[PaneUpdate]) -> Iterator[list[PaneUpdate]]:
    """Updates in order, put together up to a bounded number of cells."""
    batch: list[PaneUpdate] = []
    cells = 0
    for update in updates:
        batch.append(update)
        cells += len(update.cells) + len(update.slice_cells)
        if cells >= _CELLS_PER_BATCH:
            yield batch
            batch, cells = [], 0
    if batch:
        yield batch


def _quarter_at(time_ms: int) -> int:
    """The first quarter-hour at or after an instant."""
    return -(-time_ms // QUARTER_MS) * QUARTER_MS


def _next_quarter(time_ms: int) -> int:
    """The first quarter-hour after an instant."""
    return (time_ms // QUARTER_MS + 1) * QUARTER_MS
