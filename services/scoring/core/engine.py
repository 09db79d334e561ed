"""The measuring engine of one input partition: events in, measurements and panes out.

It knows no broker and no clock. `process` takes records, `advance` tells how far time has come,
`flush` books what both change and returns everything that has to be stored together, `restore`
rebuilds the state from the changelog records that flushes returned. After a flush that could not be
stored the engine is discarded and restored.

What happens to every event is compiled (`bellwether_native`, services/scoring/native); this class
reads what its parser passes on, and gives results their types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import bellwether_native

from services.scoring.core.native_parts import REGISTRY, EngineParts, versions_of
from services.scoring.core.rules import RuleHistory
from services.scoring.core.scratch_file import ScratchFile
from services.scoring.core.slow_reader import Readable, read_slowly
from services.scoring.core.stream_time import LIVE_MS
from services.scoring.core.timeline import WAITING, Holder, Segment, Stretch, segments
from shared.contracts import scopes
from shared.contracts.measurements import MeasurementBatch, Measurements
from shared.contracts.midnights import midnight_of
from shared.contracts.panes import Watermark

MOST_NAMES: Final = 50_000
"""Combinations of employee, channel and category whose scopes are remembered: when there are more,
they are learnt anew, so that those of long ago do not stay for ever."""

MOST_DEADLINES: Final = 20_000
"""After a long standstill very many deadlines have passed: they are settled in turns."""

REMEMBERED_MS: Final = LIVE_MS // 3
"""Time that passes in silence is stored so often: an engine that is restored in a quiet night finds
the stream as live as it was left."""


class Record(NamedTuple):
    """A record that no broker has delivered."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that can never be processed, and why (a word of the declared list)."""

    topic: int
    offset: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None


class PaneBytes(NamedTuple):
    """A `PaneUpdate` as it lies in ``panes``, and its group."""

    group: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the records of a flush; ``deadlines`` is how many tickets had something that
    fell due with no event of theirs."""

    events: int
    duplicates: int
    dead_letters: Mapping[str, int]
    anomalies: Mapping[str, int]
    deadlines: int = 0


@dataclass(frozen=True, slots=True)
class Flush:
    """Everything that has to be stored in one transaction, or not at all; ``changelog`` are records
    as they lie in the topic (`services.scoring.core.changelog`), and so are ``panes``."""

    revision: int
    changelog: list[bytes]
    panes: list[PaneBytes]
    watermark: Watermark
    measurements: list[MeasurementBatch]
    dead_letters: list[Refused]
    counts: Counts
    cycle_started: bool


class RulesChangedError(RuntimeError):
    """A rule version that the state was computed with has other content now."""


class Engine:
    """State and arithmetic of one input partition.

    With a ``scratch_file``, which is opened here and now, only tickets and panes that changed
    lately are in memory; what needs the others raises ``OSError`` when it cannot be written or
    read.
    """

    def __init__(
        self,
        partition: int,
        rules: RuleHistory,
        inputs: int,
        scratch_file: ScratchFile | None = None,
    ) -> None:
        self.partition = partition
        self._rules = rules
        self._core = bellwether_native.Engine(
            EngineParts(
                partition,
                inputs,
                versions_of(rules),
                list(rules.digests.items()),
                REGISTRY,
                partial(midnight_of, zone=rules.zone),
                _group,
                read_slowly,
                MOST_NAMES,
                MOST_DEADLINES,
                scratch_file,
            )
        )

    @property
    def positions(self) -> list[int]:
        """The next offset to read of each input topic; a copy."""
        return self._core.positions

    @positions.setter
    def positions(self, positions: list[int]) -> None:
        self._core.positions = positions

    @property
    def watermark_ms(self) -> int:
        """The greatest event time seen; 0 before any."""
        return self._core.watermark_ms

    @property
    def has_pending(self) -> bool:
        """Whether records were read since the last flush."""
        return self.pending_events > 0

    @property
    def pending_events(self) -> int:
        """Records read since the last flush, refused ones included."""
        return self._core.pending_events

    @property
    def stream_ms(self) -> int:
        """How far time has come: what was due before is booked by the next flush. It never goes
        back."""
        return self._core.stream_ms

    @property
    def has_due(self) -> bool:
        """Whether something has fallen due that is not booked."""
        return self._core.has_due()

    @property
    def has_come_far(self) -> bool:
        """Whether so much time has passed since the last flush that a restart has to know."""
        return self.stream_ms - self._core.settled_ms >= REMEMBERED_MS

    @property
    def tickets(self) -> int:
        """Tickets remembered."""
        return self._core.tickets

    @property
    def scratch_bytes(self) -> int:
        """What the scratch file may take; 0 without one."""
        return self._core.scratch_bytes

    @property
    def names(self) -> int:
        """Combinations of names remembered."""
        return self._core.names

    def advance(self, stream_ms: int) -> None:
        """Time has come so far, though no event says so."""
        self._core.advance(stream_ms)

    def process(self, topic: int, records: Iterable[Readable]) -> None:
        """Take records of one input topic (its place in the registry), in offset order; what was
        read before is passed over."""
        self._core.process(topic, records)

    def flush(self, *, caught_up: bool) -> Flush:
        """Book everything read since the last flush; the result must be stored as a whole."""
        flushed = self._core.flush(caught_up)
        watermark = Watermark(
            self.partition,
            flushed["revision"],
            self.stream_ms,
            caught_up,
            flushed["received_ms"],
        )
        dead_letters = [Refused(*refusal) for refusal in flushed["refused"]]
        return Flush(
            flushed["revision"],
            flushed["changelog"],
            [PaneBytes(*update) for update in flushed["panes"]],
            watermark,
            self._batches(flushed["measurements"], watermark),
            dead_letters,
            _counts(flushed, dead_letters),
            flushed["cycle_started"],
        )

    def timeline(self, ticket: str, until_ms: int) -> list[Segment]:
        """Whose time a ticket took, and for what, from its opening to ``until_ms``, in order; none
        without an opening, or for a ticket that is not remembered. What waits for a flush is not in
        it."""
        stretches, exempt = self._core.stretches(ticket, until_ms)
        told = (
            Stretch(start, end, Holder(*holder), None if waits is None else WAITING[waits])
            for start, end, holder, waits in stretches
        )
        return segments(told, exempt, self._rules)

    def _batches(self, parts: Iterable[tuple[Any, ...]], mark: Watermark) -> list[MeasurementBatch]:
        return [
            MeasurementBatch(
                self.partition, mark.revision, self.watermark_ms, Measurements(*columns), part
            )
            for part, columns in enumerate(parts)
        ]

    def restore(self, records: Iterable[bytes]) -> None:
        """Take changelog records, oldest first; may be called several times in a row. Raises
        `RulesChangedError`, and ``ValueError`` for a record that is damaged."""
        for record in records:
            self._check_rules(self._core.restore(record))

    def finish_restore(self) -> None:
        """Drop what only old records still held.

        The cycle that was under way is not taken up again: its number is left without a successor,
        which tells readers that it was never completed.
        """
        self._core.finish_restore()

    def _check_rules(self, applied: Iterable[tuple[str, str]]) -> None:
        for version, digest in applied:
            if self._rules.digests.get(version) != digest:
                raise RulesChangedError(
                    f"rule version {version!r} was applied with other content than it has now; "
                    "a version never changes: restore its file, and publish the change as a new "
                    "version with a later valid_from"
                )


def _counts(flushed: Mapping[str, Any], dead_letters: list[Refused]) -> Counts:
    reasons = Counter(letter.reason for letter in dead_letters)
    duplicates = flushed["events"] - flushed["fresh"] - len(dead_letters)
    return Counts(flushed["events"], duplicates, reasons, flushed["anomalies"], flushed["settled"])


def _group(department: str) -> str:
    return scopes.department(department).group if department else scopes.ORGANISATION.group
