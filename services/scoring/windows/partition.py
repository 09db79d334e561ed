"""One owned partition of panes: restored from the log, then live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import structlog

from services.scoring import metrics
from services.scoring.core.evaluation import Evaluation
from services.scoring.core.retention import CycleTracker
from services.scoring.windows.pane_records import RecordRefused, decode_record
from shared.contracts.breaches import Breach
from shared.contracts.figures import WrittenScore
from shared.contracts.panes import PaneRecord, PaneUpdate

log = structlog.get_logger("windows")


class LogRecord(Protocol):
    """A Kafka record, from whichever client."""

    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> Any: ...


MOST_WAITING: Final = 2_000
"""While so many records wait there is no room for more."""


class OwnedPartition:
    """The evaluation of a partition, and how far its log was read.

    Records may be processed when it is ``ready``. ``settled`` is set when it has become so, or was
    replaced or let go of; ``room`` while few records wait to be taken. ``now_ms`` gives the wall
    clock.
    """

    def __init__(self, partition: int, evaluation: Evaluation, now_ms: Callable[[], int]) -> None:
        self.partition = partition
        self.ready = False
        self.settled = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()
        self.next_offset = 0
        self.cycles = CycleTracker()
        self._evaluation = evaluation
        self._now_ms = now_ms
        self._waiting: list[LogRecord] = []
        self._put_offset = 0

    @property
    def put_offset(self) -> int:
        """The offset after the last record that was put or taken."""
        return max(self._put_offset, self.next_offset)

    @property
    def waiting(self) -> int:
        """Records that wait to be taken."""
        return len(self._waiting)

    def put(self, records: Sequence[LogRecord]) -> None:
        """Let records wait, in order, until the next `take_waiting`; those that were put before are
        passed over."""
        new = [record for record in records if record.offset >= self.put_offset]
        if not new:
            return
        self._waiting += new
        self._put_offset = new[-1].offset + 1
        if len(self._waiting) >= MOST_WAITING:
            self.room.clear()

    def take_waiting(self) -> None:
        """Apply what waits, all at once: it costs little more than one record by itself."""
        waiting, self._waiting = self._waiting, []
        self.room.set()
        self.take(waiting)

    def let_go(self) -> None:
        """The partition is another's, or has been rebuilt: whoever waits for it need not."""
        self.settled.set()
        self.room.set()

    def take(self, records: Sequence[LogRecord]) -> None:
        """Apply records in order, all at once; those that were read before are passed over."""
        new = [record for record in records if record.offset >= self.next_offset]
        if not new:
            return
        decoded = [(record.offset, self._decode(record)) for record in new]
        for offset, update in decoded:
            self._observe(offset, update)
        self._evaluation.take([update for _, update in decoded if update], self._now_ms())
        self.next_offset = new[-1].offset + 1
        metrics.PANE_RECORDS.labels(self.partition).inc(len(new))

    def finish_restore(self, end_offset: int) -> None:
        """All up to ``end_offset`` was read."""
        self.next_offset = max(self.next_offset, end_offset)
        self._evaluation.forget_receptions()
        self.ready = True
        self.settled.set()

    def tick(self) -> list[Breach]:
        """Move time; what became true."""
        breaches = self._evaluation.tick(self._now_ms())
        label = str(self.partition)
        metrics.STREAM_TIME.labels(label).set(self._evaluation.stream_ms / 1000)
        metrics.ACTIVE_BREACHES.labels(label).set(self._evaluation.active_breaches)
        return breaches

    def due_scores(self, most: int) -> Iterator[WrittenScore | None]:
        """As of `Evaluation.due_scores`."""
        return self._evaluation.due_scores(self._now_ms(), most)

    def report(self) -> None:
        """Figures that are costly to count."""
        metrics.CELLS.labels(self.partition).set(self._evaluation.cells)
        metrics.SCOPES.labels(self.partition).set(self._evaluation.scopes)

    def _observe(self, offset: int, update: PaneRecord | None) -> None:
        if isinstance(update, PaneUpdate):
            self.cycles.observe(update.source, update.cycle, offset)
        elif update is not None:
            self.cycles.observe_watermark(update.source, offset)

    def _decode(self, record: LogRecord) -> PaneRecord | None:
        try:
            return decode_record(record.value, with_slice=not self.ready)
        except RecordRefused as error:
            # Its cells come again when they change, and at the latest at the next restore.
            metrics.REFUSED_RECORDS.inc()
            log.warning(
                "pane_record_refused",
                partition=self.partition,
                offset=record.offset,
                error=str(error),
            )
            return None
