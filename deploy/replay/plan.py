"""From a log to events in the order of their times: reading, grouping, mapping, sorting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Literal

from deploy.replay.engine import CaseEngine, PlannedEvent
from deploy.replay.mapping import Mapping
from deploy.replay.rejects import RejectFile
from deploy.replay.rows import LogReader, Record, Reject, Row, RowReader
from deploy.replay.spool import CHUNK, Spool

OnProgress = Callable[[Literal["reading", "mapping"], int], None]


@dataclass
class Tally:
    """What the log held, for the summary."""

    rows: int = 0
    cases: int = 0
    events: Counter[str] = field(default_factory=Counter)
    rejected_rows: int = 0
    rejected_events: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    stepped: int = 0


class Plan:
    """Fills a spool with the events of a log. ``shuffle_ms`` delays each event's turn by a random
    time up to that: the events stay the same, only their order of arrival changes."""

    def __init__(
        self, mapping: Mapping, log: Path, rejects: RejectFile, shuffle_ms: int, random: Random
    ) -> None:
        self._mapping = mapping
        self._log = log
        self._rejects = rejects
        self._shuffle_ms = shuffle_ms
        self._random = random
        self.tally = Tally()

    def fill(self, spool: Spool, on_progress: OnProgress = lambda phase, done: None) -> None:
        """Read and map the whole log. ``on_progress`` hears the phase, and how many bytes are
        read or rows mapped. Raises `FileError`."""
        rows = self._rows(lambda count: on_progress("reading", count))
        while chunk := list(islice(rows, CHUNK)):
            spool.add_rows(chunk)
        events = self._events(spool, lambda count: on_progress("mapping", count))
        while batch := list(islice(events, CHUNK)):
            spool.add_events(batch)
        spool.forget_rows()

    def _rows(self, on_bytes: Callable[[int], None]) -> Iterator[Row]:
        log = LogReader(self._log, self._mapping.file)
        reader: RowReader | None = None
        for record in log.records(on_bytes):
            self.tally.rows += 1
            reader = reader or RowReader(self._mapping, log.header)
            row = reader.read(record) if isinstance(record, Record) else record
            if isinstance(row, Reject):
                self._reject(row)
            else:
                yield row
        if reader is None:
            RowReader(self._mapping, log.header)  # a file without rows must have the columns too

    def _events(
        self, spool: Spool, on_rows: Callable[[int], None]
    ) -> Iterator[tuple[int, PlannedEvent]]:
        engine = CaseEngine(self._mapping)
        mapped = 0
        for rows in spool.cases():
            outcome = engine.run(rows)
            mapped += len(rows)
            on_rows(mapped)
            self.tally.cases += 1
            self.tally.withheld += outcome.withheld
            self.tally.stepped += outcome.stepped
            for reject in outcome.rejects:
                self._reject(reject)
            for event in outcome.events:
                self.tally.events[event.type] += 1
                yield event.at + self._delay(), event

    def _delay(self) -> int:
        return self._random.randint(0, self._shuffle_ms) if self._shuffle_ms else 0

    def _reject(self, reject: Reject) -> None:
        if reject.event:
            self.tally.rejected_events += 1
        else:
            self.tally.rejected_rows += 1
        self._rejects.add(reject)
