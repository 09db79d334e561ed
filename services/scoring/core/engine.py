"""The measuring engine of one input partition: events in, measurements and panes out.

It knows no broker and no clock. `process` takes records, `advance` tells how far time has come,
`flush` books what both change and returns everything that has to be stored together, `restore`
rebuilds the state from the changelog records that flushes returned. After a flush that could not be
stored the engine is discarded and restored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Final, NamedTuple

from services.scoring.core import ledger, tickets
from services.scoring.core.cell_arrays import NO_ARRAYS, CellArrays, Limits, WireCells
from services.scoring.core.changelog import ChangelogRecord, TicketRow
from services.scoring.core.deadlines import Deadlines
from services.scoring.core.derive import difference, net, replay
from services.scoring.core.lateness import Lateness
from services.scoring.core.ledger import Fact
from services.scoring.core.lifecycle import Life, Lifecycle, Row
from services.scoring.core.measured import Measured, NameTable, measured, to_wire
from services.scoring.core.panes import DAY_MS, HOUR_MS, Cursor, PaneStore
from services.scoring.core.rules import RuleHistory
from services.scoring.core.stream_time import LIVE_MS
from services.scoring.core.tickets import Ticket
from shared.contracts import scopes
from shared.contracts.decode import DecodeError, decode_event
from shared.contracts.fields import EARLIEST_TIME_MS, FUTURE_TOLERANCE_MS, epoch_ms
from shared.contracts.measurements import MeasurementBatch
from shared.contracts.panes import NO_CELLS, Cells, PaneUpdate, Watermark

ROWS_PER_RECORD: Final = 4000
RECORD_BYTES: Final = 512 * 1024
RECORD_LIMITS: Final = Limits(ROWS_PER_RECORD, RECORD_BYTES)
MOST_NAMES: Final = 50_000
"""Combinations of employee, channel and category whose scopes are remembered: when there are more,
they are learnt anew, so that those of long ago do not stay for ever."""
MIN_SLICE_TICKETS: Final = 20
MIN_SLICE_CELLS: Final = 50
MAX_FLUSHES_A_ROUND: Final = 2000
"""However large the state and however small the flushes, the log's tail is bounded by it."""

REMEMBERED_MS: Final = LIVE_MS // 3
"""Time that passes in silence is stored so often: an engine that is restored in a quiet night finds
the stream as live as it was left."""


class Record(NamedTuple):
    """What the engine needs of a Kafka record."""

    offset: int
    timestamp_ms: int
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
    """Everything that has to be stored in one transaction, or not at all."""

    revision: int
    changelog: list[ChangelogRecord]
    panes: list[PaneUpdate]
    watermark: Watermark
    measurements: list[MeasurementBatch]
    dead_letters: list[Refused]
    counts: Counts
    cycle_started: bool


class RulesChangedError(RuntimeError):
    """A rule version that the state was computed with has other content now."""


class _Read(NamedTuple):
    """A fact and the record that it came in, should it have to be refused: because it is late,
    unless the ticket knows it already."""

    fact: Fact
    topic: int
    record: Record
    is_late: bool


@dataclass(slots=True)
class _Pending:
    """What was read since the last flush."""

    facts: dict[str, list[_Read]] = field(default_factory=dict)
    dead_letters: list[Refused] = field(default_factory=list)
    events: int = 0
    received_ms: int = 0


class _Booked(NamedTuple):
    """What a flush has booked: the rows, the tickets that changed, how many facts were new, and how
    many tickets changed by the passing of time alone."""

    rows: Measured
    tickets: list[str]
    fresh: int
    settled: int
    anomalies: Counter[str]


class Engine:
    """State and arithmetic of one input partition."""

    def __init__(self, partition: int, rules: RuleHistory, inputs: int) -> None:
        self.partition = partition
        self.positions = [0] * inputs
        self.watermark_ms = 0
        self._rules = rules
        self._lifecycle = Lifecycle(rules)
        self._tickets: dict[str, bytes] = {}
        self._names = NameTable()
        self._panes = PaneStore(rules.zone, self._names)
        self._revision = 0
        self._cycle = 0
        self._slice_tickets: Iterator[str] = iter(())
        self._slice_tickets_done = True
        self._slice_cells: Cursor | None = None
        self._slice_cells_done = True
        self._panes_expired_ms = 0
        self._tickets_expired_ms = 0
        self._lateness = Lateness(inputs)
        self._deadlines = Deadlines()
        self._stream_ms = 0
        self._settled_ms = 0
        self._pending = _Pending()

    @property
    def has_pending(self) -> bool:
        """Whether records were read since the last flush."""
        return self.pending_events > 0

    @property
    def pending_events(self) -> int:
        """Records read since the last flush, refused ones included."""
        return self._pending.events

    @property
    def stream_ms(self) -> int:
        """How far time has come: what was due before is booked by the next flush. It never goes
        back."""
        return max(self._stream_ms, self.watermark_ms)

    @property
    def has_due(self) -> bool:
        """Whether something has fallen due that is not booked."""
        return self._deadlines.is_due(self.stream_ms, self._tickets)

    @property
    def has_come_far(self) -> bool:
        """Whether so much time has passed since the last flush that a restart has to know."""
        return self.stream_ms - self._settled_ms >= REMEMBERED_MS

    def advance(self, stream_ms: int) -> None:
        """Time has come so far, though no event says so."""
        self._stream_ms = max(self._stream_ms, stream_ms)

    @property
    def tickets(self) -> int:
        """Tickets remembered."""
        return len(self._tickets)

    # -- reading --------------------------------------------------------------------------------

    def process(self, topic: int, records: Iterable[Record]) -> None:
        """Take records of one input topic (its place in the registry), in offset order."""
        for record in records:
            if record.offset >= self.positions[topic]:
                self.positions[topic] = record.offset + 1
                self._pending.events += 1
                self._take(topic, record)

    def _take(self, topic: int, record: Record) -> None:
        try:
            event = decode_event(record.value or b"")
        except DecodeError as error:
            self._refuse(topic, record, "undecodable", str(error))
            return
        if record.key != event.subject.encode():
            self._refuse(topic, record, "wrong_key", f"the ticket is {event.subject}")
            return
        received = epoch_ms(event.receivedtime) if event.receivedtime else record.timestamp_ms
        fact = ledger.fact_of(event)
        reason = self._untimely(fact.time_ms, received)
        if reason is not None:
            self._refuse(topic, record, reason, f"time is {event.time.isoformat()}")
            return
        is_late = self._lateness.read(topic, fact.time_ms)
        self.watermark_ms = max(self.watermark_ms, fact.time_ms)
        self._pending.received_ms = max(self._pending.received_ms, received)
        read = _Read(fact, topic, record, is_late)
        self._pending.facts.setdefault(event.subject, []).append(read)

    @staticmethod
    def _untimely(time_ms: int, received_ms: int) -> str | None:
        if time_ms > received_ms + FUTURE_TOLERANCE_MS:
            return "future"
        if time_ms < EARLIEST_TIME_MS:
            return "implausible_time"
        return None

    def _refuse(self, topic: int, record: Record, reason: str, detail: str) -> None:
        self._pending.dead_letters.append(_refused(topic, record, reason, detail))

    # -- booking --------------------------------------------------------------------------------

    def flush(self, *, caught_up: bool) -> Flush:
        """Book everything read since the last flush; the result must be stored as a whole."""
        pending, self._pending = self._pending, _Pending()
        self._revision += 1
        if caught_up:
            self._lateness.caught_up(self.watermark_ms)
        due, until_ms = self._deadlines.take(self.stream_ms)
        booked = self._book_all(pending, due, until_ms)
        self._settled_ms = until_ms
        touched = self._panes.take_touched()
        forgotten = self._expire()
        started = self._start_cycle_if_done()
        slice_tickets = self._next_ticket_slice(len(booked.tickets))
        sliced = self._next_cell_slice(touched.size)
        rows = [TicketRow(t, self._tickets[t]) for t in booked.tickets if t in self._tickets]
        rows += [TicketRow(t, b"") for t in forgotten]
        rows += slice_tickets
        watermark = Watermark(
            self.partition, self._revision, self.stream_ms, caught_up, pending.received_ms
        )
        cells, slice_cells = self._wire(touched), self._wire(sliced)
        return Flush(
            self._revision,
            self._changelog(rows, [*cells.records(), *slice_cells.records()]),
            self._updates(cells, slice_cells, watermark),
            watermark,
            self._batches(booked.rows),
            pending.dead_letters,
            Counts(
                pending.events,
                pending.events - booked.fresh - len(pending.dead_letters),
                Counter(letter.reason for letter in pending.dead_letters),
                booked.anomalies,
                booked.settled,
            ),
            started,
        )

    def _book_all(self, pending: _Pending, due: Iterable[str], until_ms: int) -> _Booked:
        """Let every ticket live through what was read, and time pass for those to which something
        falls due; what they state is booked together."""
        stated: list[tuple[str, list[Row]]] = []
        touched: list[str] = []
        anomalies: Counter[str] = Counter()
        booked = 0
        for ticket_id, reads in pending.facts.items():
            packed = self._tickets.get(ticket_id)
            ticket = tickets.unpack(packed) if packed is not None else tickets.new_ticket()
            fresh = _fresh(ticket, reads, pending.dead_letters)
            booked += len(fresh)
            if fresh:
                due_before = ticket.life.next_due_ms
                own, odd = self._live(ticket, fresh, until_ms)
                anomalies.update(odd)
                ticket.append(fresh)
                self._tickets[ticket_id] = tickets.pack(ticket)
                if ticket.life.next_due_ms != due_before:
                    self._deadlines.schedule(ticket_id, ticket.life.next_due_ms)
                touched.append(ticket_id)
                stated.append((ticket_id, own))
        settled = self._settle_all(due, until_ms)
        stated += settled
        touched += [ticket_id for ticket_id, _ in settled]
        if len(self._names) > MOST_NAMES:
            self._names = NameTable()
            self._panes.scopes.use(self._names)
        rows = measured(stated, self._names)
        self._panes.book(rows, self.watermark_ms)
        return _Booked(rows, touched, booked, len(settled), anomalies)

    def _settle_all(self, due: Iterable[str], until_ms: int) -> list[tuple[str, list[Row]]]:
        """Let time pass for the tickets that had no event since something of them fell due; what
        each states."""
        settled = []
        for ticket_id in due:
            packed = self._tickets.get(ticket_id)
            if packed is not None and tickets.next_due_ms(packed) < until_ms:
                settled.append((ticket_id, self._settle(ticket_id, packed, until_ms)))
        self._deadlines.shrink(self._tickets)
        return settled

    def _settle(self, ticket_id: str, packed: bytes, until_ms: int) -> list[Row]:
        ticket = tickets.unpack(packed)
        self._lifecycle.pass_time(ticket.life, until_ms)
        rows, _ = self._lifecycle.take()
        self._tickets[ticket_id] = tickets.pack(ticket)
        self._deadlines.schedule(ticket_id, ticket.life.next_due_ms)
        return rows

    def _live(
        self, ticket: Ticket, fresh: list[Fact], until_ms: int
    ) -> tuple[list[Row], Iterable[str]]:
        """Advance the ticket by new facts; by a replay where they do not simply come next."""
        fresh.sort()
        if self._comes_next(ticket.life, fresh):
            self._lifecycle.advance(ticket.life, fresh)
            self._lifecycle.pass_time(ticket.life, until_ms)
            rows, anomalies = self._lifecycle.take()
            return net(rows), anomalies
        facts = ticket.list_facts()
        before = replay(facts, self._lifecycle, self._settled_ms)
        after = replay([*facts, *fresh], self._lifecycle, until_ms)
        ticket.life = after.life
        odd = (after.anomalies - before.anomalies).elements()
        return difference(before.rows, after.rows), odd

    def _comes_next(self, life: Life, fresh: list[Fact]) -> bool:
        """Whether living through the new facts (ascending) gives what a replay of all would."""
        first = fresh[0]
        if any(fact.kind == ledger.CORRECTED for fact in fresh):
            return False
        if life.facts == 0:
            # An opening that names nobody belongs to whom the ticket is assigned to first.
            return first.kind == ledger.OPENED and (len(fresh) == 1 or any(first.names[:3]))
        if life.corrected or life.opened_ms < 0:
            return False
        if ledger.order_of(first) < life.last or first.time_ms <= life.settled_ms:
            return False
        if not life.awaits_holder:
            return True
        # The first holder has a say in everything before: only a bare opening can wait for it.
        names_holder = first.kind == ledger.ASSIGNED and any(first.names)
        return life.facts == 1 and names_holder and not self._lifecycle.would_be_due(life, first)

    def _expire(self) -> list[str]:
        """Forget what is older than it is kept for: panes by the hour, tickets by the day of
        event time."""
        if self.watermark_ms - self._panes_expired_ms >= HOUR_MS:
            self._panes_expired_ms = self.watermark_ms
            self._panes.drop_expired(self.watermark_ms)
        limit = self._lateness.forgettable_ms
        if limit - self._tickets_expired_ms < DAY_MS:
            return []
        self._tickets_expired_ms = limit
        forgotten = [t for t, packed in self._tickets.items() if self._is_over(packed, limit)]
        for ticket_id in forgotten:
            del self._tickets[ticket_id]
        return forgotten

    @staticmethod
    def _is_over(packed: bytes, limit_ms: int) -> bool:
        life = tickets.unpack(packed).life
        return life.last[0] < limit_ms and not life.is_unresolved

    # -- what is stored -------------------------------------------------------------------------

    def _start_cycle_if_done(self) -> bool:
        if not (self._slice_tickets_done and self._slice_cells_done):
            return False
        self._cycle += 1
        self._slice_tickets = iter(list(self._tickets))
        self._slice_tickets_done = False
        self._slice_cells = None
        self._slice_cells_done = False
        return True

    def _next_ticket_slice(self, touched: int) -> list[TicketRow]:
        least = len(self._tickets) // MAX_FLUSHES_A_ROUND
        budget = max(MIN_SLICE_TICKETS, least, touched)
        ids = list(islice(self._slice_tickets, budget))
        self._slice_tickets_done = len(ids) < budget
        return [TicketRow(t, self._tickets[t]) for t in ids if t in self._tickets]

    def _next_cell_slice(self, touched: int) -> CellArrays:
        if self._slice_cells_done:
            return NO_ARRAYS
        least = self._panes.cells // MAX_FLUSHES_A_ROUND
        budget = max(MIN_SLICE_CELLS, least, touched)
        cells, self._slice_cells = self._panes.slice_after(
            self._slice_cells, budget, self.watermark_ms
        )
        self._slice_cells_done = self._slice_cells is None
        return cells

    def _wire(self, cells: CellArrays) -> WireCells:
        scopes = self._panes.scopes
        return WireCells(cells, scopes.rows, scopes.department_of, RECORD_LIMITS)

    def _changelog(self, tickets: list[TicketRow], panes: list[Cells]) -> list[ChangelogRecord]:
        digests = dict(self._rules.digests)
        return [
            ChangelogRecord(
                self._revision,
                self._cycle,
                list(self.positions),
                self.watermark_ms,
                digests,
                part_tickets,
                part_panes,
                list(self._lateness.marks),
                self._settled_ms,
            )
            for part_tickets, part_panes in _parts(tickets, panes)
        ]

    def _updates(self, cells: WireCells, sliced: WireCells, mark: Watermark) -> list[PaneUpdate]:
        departments = self._panes.scopes.departments
        fresh_parts = {departments[d]: parts for d, parts in cells.by_group().items()}
        old_parts = {departments[d]: parts for d, parts in sliced.by_group().items()}
        version = self._rules.at(self.watermark_ms).version
        return [
            PaneUpdate(
                self.partition,
                _group(department),
                self._revision,
                mark.watermark_ms,
                mark.caught_up,
                mark.received_ms,
                version,
                fresh,
                self._cycle,
                old,
            )
            for department in sorted(fresh_parts.keys() | old_parts.keys())
            for fresh, old in zip_longest(
                fresh_parts.get(department, []),
                old_parts.get(department, []),
                fillvalue=NO_CELLS,
            )
        ]

    def _batches(self, rows: Measured) -> list[MeasurementBatch]:
        parts = to_wire(rows, self._names, self._rules, ROWS_PER_RECORD)
        return [
            MeasurementBatch(self.partition, self._revision, self.watermark_ms, columns, part)
            for part, columns in enumerate(parts)
        ]

    # -- restoring ------------------------------------------------------------------------------

    def restore(self, records: Iterable[ChangelogRecord]) -> None:
        """Take changelog records, oldest first; may be called several times in a row."""
        for record in records:
            self._check_rules(record.rules)
            self._revision = record.revision
            self._cycle = record.cycle
            self.positions = list(record.positions)
            self.watermark_ms = record.watermark_ms
            self._lateness.marks = list(record.marks)
            self._stream_ms = self._settled_ms = record.settled_ms
            for row in record.tickets:
                if row.packed:
                    self._tickets[row.id] = row.packed
                else:
                    self._tickets.pop(row.id, None)
            for cells in record.panes:
                self._panes.restore(cells)

    def finish_restore(self) -> None:
        """Drop what only old records still held.

        The cycle that was under way is not taken up again: its number is left without a successor,
        which tells readers that it was never completed.
        """
        self._panes.drop_expired(self.watermark_ms)
        self._panes_expired_ms = self.watermark_ms
        self._deadlines.rebuild(self._tickets)
        self._cycle += 1

    def _check_rules(self, applied: Mapping[str, str]) -> None:
        for version, digest in applied.items():
            current = self._rules.digests.get(version)
            if current != digest:
                raise RulesChangedError(
                    f"rule version {version!r} was applied with other content than it has now; "
                    "a version never changes: restore its file, and publish the change as a new "
                    "version with a later valid_from"
                )


def _refused(topic: int, record: Record, reason: str, detail: str) -> Refused:
    return Refused(topic, record.offset, reason, detail, record.key, record.value)


class _Room:
    """What a ticket of many facts has room for."""

    def __init__(self, ticket: Ticket) -> None:
        self.facts = ticket.life.facts
        self._bytes = len(ticket.facts)

    def takes(self, fact: Fact) -> bool:
        """Whether one more finds room; it is counted then."""
        size = self._bytes + tickets.size_of(fact)
        if self.facts >= ledger.MAX_FACTS or size > ledger.MAX_FACT_BYTES:
            return False
        self.facts += 1
        self._bytes = size
        return True


def _fresh(ticket: Ticket, reads: list[_Read], dead_letters: list[Refused]) -> list[Fact]:
    """The facts that are new to the ticket, less those that come too late or too many."""
    fresh: dict[int, Fact] = {}
    is_large = ticket.life.facts + len(reads) > ledger.FEW_FACTS
    room = _Room(ticket) if is_large else None
    for fact, topic, record, is_late in reads:
        if fact.event in fresh or (ticket.facts and ticket.knows(fact)):
            continue
        if is_late:
            reason, detail = "too_late", "its topic had come further than the horizon"
        elif room is not None and not room.takes(fact):
            reason, detail = "too_many_events", f"the ticket has {room.facts} events"
        else:
            fresh[fact.event] = fact
            continue
        dead_letters.append(_refused(topic, record, reason, detail))
    return list(fresh.values())


def _group(department: str) -> str:
    return scopes.department(department).group if department else scopes.ORGANISATION.group


def _ticket_chunks(tickets: list[TicketRow]) -> Iterator[list[TicketRow]]:
    """At least one chunk, each of about RECORD_BYTES at most."""
    chunk: list[TicketRow] = []
    size = 0
    for row in tickets:
        chunk.append(row)
        size += len(row.packed)
        if size >= RECORD_BYTES:
            yield chunk
            chunk, size = [], 0
    yield chunk


def _parts(
    tickets: list[TicketRow], panes: list[Cells]
) -> Iterator[tuple[list[TicketRow], list[Cells]]]:
    """The rows of a flush in records of bounded size; at least one, for the positions."""
    *full, rest = _ticket_chunks(tickets)
    for chunk in full:
        yield chunk, []
    batch: list[Cells] = []
    size = sum(len(row.packed) for row in rest)
    for cells in panes:
        if size and size + cells.nbytes > RECORD_BYTES:
            yield rest, batch
            rest, batch, size = [], [], 0
        batch.append(cells)
        size += cells.nbytes
    yield rest, batch
