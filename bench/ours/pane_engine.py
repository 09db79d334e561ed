"""The columnar engine of *common* and *rolling* for one input partition: pure, no Kafka in it.

A batch is decoded to columns, repeated ids are found in sorted runs of 64-bit hashes (a run per
flush and minute), and what is left is sorted once and reduced into dense panes: one row of a numpy
array per key and minute. A flush gives what must be stored in one transaction: a changelog record
(positions, new hashes, changed panes) and the changed panes and hours for readers, all absolute.

It is the shape that the product's engine could take for facts that need no ticket ledger; the
product's own engine is measured as *full*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

MINUTE_MS: Final = 60_000
HOUR_MINUTES: Final = 60
N, TOTAL, LOW, HIGH, GOOD = range(5)

_LEAST: Final = np.iinfo(np.int64).min
_GREATEST: Final = np.iinfo(np.int64).max
_EMPTY_ROW: Final = np.array([0, 0, _GREATEST, _LEAST, 0], np.int64)
_SETTLING_MINUTES: Final = 1
"""An hour is stated when its last minute is so long over; what comes later states it again."""
_RUNS: Final = 8
_LEAST_CAPACITY: Final = 256
_AT_ONCE: Final = 4_000
"""Events whose columns are made together: more of them no longer fit into the cache."""

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Event(msgspec.Struct, gc=False):
    """What the job needs of an event; times and values in ms."""

    id: str
    ts: int
    employee: str
    channel: str
    indicator: str
    value: int
    good: int


class Rows(msgspec.Struct, array_like=True, gc=False):
    """Absolute rows (n, total, low, high, good) of one span: ``start`` in minutes, int64 tables
    as bytes."""

    start: int
    keys: list[str]
    table: bytes


class Changes(msgspec.Struct, array_like=True, gc=False):
    """One flush in the changelog; ``hashes`` are (minute, uint64 values as bytes)."""

    position: int
    watermark_ms: int
    hashes: list[tuple[int, bytes]]
    panes: list[Rows]


class Flush(NamedTuple):
    """What has to be stored in one transaction."""

    changelog: bytes
    results: list[bytes]


_DECODE: Final = msgspec.json.Decoder(Event).decode
_PACK: Final = msgspec.msgpack.Encoder().encode
_UNPACK_CHANGES: Final = msgspec.msgpack.Decoder(Changes).decode
_UNPACK_ROWS: Final = msgspec.msgpack.Decoder(Rows).decode
_HASH: Final = xxhash.xxh3_64_intdigest
_ID: Final = attrgetter("id")
_TIME: Final = attrgetter("ts")
_NAMES: Final = attrgetter("employee", "channel", "indicator")
_VALUE: Final = attrgetter("value")
_GOOD: Final = attrgetter("good")


def read_rows(value: bytes) -> Iterator[tuple[str, int, list[int]]]:
    """Key, start in ms and (n, total, low, high, good) of each row of a result record."""
    rows = _UNPACK_ROWS(value)
    table = np.frombuffer(rows.table, np.int64).reshape(-1, 5)
    for key, row in zip(rows.keys, table.tolist(), strict=True):
        yield key, rows.start * MINUTE_MS, row


@dataclass(slots=True)
class _Columns:
    """Events of one batch."""

    hashes: Hashes
    minutes: Integers
    codes: Integers
    values: Integers
    good: Integers

    def take(self, places: Integers | NDArray[np.bool_]) -> _Columns:
        return _Columns(
            self.hashes[places],
            self.minutes[places],
            self.codes[places],
            self.values[places],
            self.good[places],
        )


class _Codes(dict[tuple[str, str, str], int]):
    """Numbers for keys, given out when they are first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.keys_in_order: list[str] = []

    def __missing__(self, names: tuple[str, str, str]) -> int:
        code = self[names] = len(self)
        self.keys_in_order.append("|".join(names))
        return code


class _Ids:
    """The hashes of one minute as sorted runs, merged when there are many."""

    __slots__ = ("fresh", "runs")

    def __init__(self) -> None:
        self.runs: list[Hashes] = []
        self.fresh: list[Hashes] = []

    def add(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Take distinct ascending hashes; says which of them are new."""
        new = np.ones(len(hashes), np.bool_)
        for run in self.runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            new &= run[places] != hashes
        added = hashes[new]
        if len(added):
            self.fresh.append(added)
            self._insert(added)
        return new

    def _insert(self, run: Hashes) -> None:
        self.runs.append(run)
        if len(self.runs) >= _RUNS:
            self.runs = [np.sort(np.concatenate(self.runs))]

    def take_fresh(self) -> bytes:
        fresh, self.fresh = self.fresh, []
        return np.sort(np.concatenate(fresh)).tobytes()


class _Pane:
    """One minute: a dense row per key code, and which of them changed since the last flush."""

    __slots__ = ("changed", "table")

    def __init__(self, capacity: int) -> None:
        self.table: Integers = np.tile(_EMPTY_ROW, (capacity, 1))
        self.changed: NDArray[np.bool_] = np.zeros(capacity, np.bool_)

    def grow(self, capacity: int) -> None:
        if len(self.table) < capacity:
            more = capacity - len(self.table)
            self.table = np.concatenate((self.table, np.tile(_EMPTY_ROW, (more, 1))))
            self.changed = np.concatenate((self.changed, np.zeros(more, np.bool_)))

    def merge(self, codes: Integers, rows: Integers) -> None:
        """Merge rows of distinct codes."""
        self.grow(int(codes[-1]) + 1)
        table = self.table
        for column in (N, TOTAL, GOOD):
            table[codes, column] += rows[:, column]
        table[codes, LOW] = np.minimum(table[codes, LOW], rows[:, LOW])
        table[codes, HIGH] = np.maximum(table[codes, HIGH], rows[:, HIGH])
        self.changed[codes] = True

    def take_changed(self) -> Integers:
        codes = np.flatnonzero(self.changed)
        self.changed[:] = False
        return codes


@dataclass(slots=True)
class PaneEngine:
    """State and arithmetic of one input partition."""

    lateness_ms: int
    rolling: bool = False
    position: int = 0
    watermark_ms: int = 0
    events: int = 0
    late: int = 0
    _codes: _Codes = field(default_factory=_Codes)
    _ids: dict[int, _Ids] = field(default_factory=dict)
    _panes: dict[int, _Pane] = field(default_factory=dict)
    _hours_done: int | None = None

    def process(self, position: int, values: Sequence[bytes]) -> None:
        """Take the values of records in order; ``position`` is the offset after the last."""
        self.position = position
        self.events += len(values)
        for first in range(0, len(values), _AT_ONCE):
            columns = self._columns(values[first : first + _AT_ONCE])
            if len(columns.codes):
                self._book(self._distinct(columns))

    # -- reading --------------------------------------------------------------------------------

    def _columns(self, values: Sequence[bytes]) -> _Columns:
        """Every pass over the events is a `map` of C functions: a generator costs twice as much."""
        events = list(map(_DECODE, values))
        count = len(events)
        times = np.fromiter(map(_TIME, events), np.int64, count)
        columns = _Columns(
            np.fromiter(map(_HASH, map(str.encode, map(_ID, events))), np.uint64, count),
            times // MINUTE_MS,
            np.fromiter(map(self._codes.__getitem__, map(_NAMES, events)), np.int64, count),
            np.fromiter(map(_VALUE, events), np.int64, count),
            np.fromiter(map(_GOOD, events), np.int64, count),
        )
        return self._on_time(columns, times)

    def _on_time(self, columns: _Columns, times: Integers) -> _Columns:
        """What is late is said of each event as it comes, whatever its batch brings after it."""
        watermarks = np.maximum(np.maximum.accumulate(times), self.watermark_ms)
        self.watermark_ms = int(watermarks[-1])
        timely = columns.minutes >= (watermarks - self.lateness_ms) // MINUTE_MS
        if timely.all():
            return columns
        self.late += int((~timely).sum())
        return columns.take(timely)

    def _distinct(self, columns: _Columns) -> _Columns:
        """Repetitions carry the same time, so each minute knows its own ids."""
        order = np.argsort(columns.hashes)
        if np.ptp(columns.minutes):
            order = order[np.argsort(columns.minutes[order], kind="stable")]
        ordered = columns.take(order)
        new = np.ones(len(order), np.bool_)
        new[1:] = ordered.hashes[1:] != ordered.hashes[:-1]
        new[1:] |= ordered.minutes[1:] != ordered.minutes[:-1]
        if not new.all():
            ordered = ordered.take(new)
        fresh = np.empty(len(ordered.codes), np.bool_)
        for minute, first, last in _spans(ordered.minutes):
            ids = self._ids.setdefault(minute, _Ids())
            fresh[first:last] = ids.add(ordered.hashes[first:last])
        return ordered if fresh.all() else ordered.take(fresh)

    def _book(self, columns: _Columns) -> None:
        if not len(columns.codes):
            return
        places = columns.minutes << 32 | columns.codes
        order = np.argsort(places)
        places = places[order]
        firsts = np.concatenate(([0], np.flatnonzero(np.diff(places)) + 1))
        values, good = columns.values[order], columns.good[order]
        rows = np.empty((len(firsts), 5), np.int64)
        rows[:, N] = np.diff(np.append(firsts, len(places)))
        rows[:, TOTAL] = np.add.reduceat(values, firsts)
        rows[:, LOW] = np.minimum.reduceat(values, firsts)
        rows[:, HIGH] = np.maximum.reduceat(values, firsts)
        rows[:, GOOD] = np.add.reduceat(good, firsts)
        keys = places[firsts]
        for minute, first, last in _spans(keys >> 32):
            self._pane(minute).merge(keys[first:last] & 0xFFFFFFFF, rows[first:last])

    def _pane(self, minute: int) -> _Pane:
        pane = self._panes.get(minute)
        if pane is None:
            pane = self._panes[minute] = _Pane(max(_LEAST_CAPACITY, len(self._codes)))
        return pane

    # -- storing --------------------------------------------------------------------------------

    def flush(self) -> Flush:
        """Everything that changed since the last flush."""
        changed = self._changed_panes()
        hashes = [(m, ids.take_fresh()) for m, ids in self._ids.items() if ids.fresh]
        changes = Changes(self.position, self.watermark_ms, hashes, changed)
        results = self._hours([rows.start for rows in changed]) if self.rolling else changed
        self._forget()
        return Flush(_PACK(changes), [_PACK(rows) for rows in results])

    def _changed_panes(self) -> list[Rows]:
        rows = []
        for minute, pane in self._panes.items():
            codes = pane.take_changed()
            if len(codes):
                rows.append(self._rows(minute, codes, pane.table[codes]))
        return rows

    def _rows(self, start: int, codes: Integers, table: Integers) -> Rows:
        keys = self._codes.keys_in_order
        return Rows(start, [keys[code] for code in codes.tolist()], table.tobytes())

    def _forget(self) -> None:
        now = self.watermark_ms // MINUTE_MS
        oldest_ids = (self.watermark_ms - self.lateness_ms) // MINUTE_MS
        for minute in [m for m in self._ids if m < oldest_ids]:
            del self._ids[minute]
        oldest_pane = min(now - 2 * HOUR_MINUTES, (self._hours_done or now) - HOUR_MINUTES)
        for minute in [m for m in self._panes if m < oldest_pane]:
            del self._panes[minute]

    # -- rolling --------------------------------------------------------------------------------

    def _hours(self, changed: Sequence[int]) -> list[Rows]:
        """The hours that are over since the last flush, and those that late panes changed."""
        if not self._panes:
            return []
        over = self.watermark_ms // MINUTE_MS - _SETTLING_MINUTES
        first = min(self._panes) if self._hours_done is None else self._hours_done
        again = {last for m in changed for last in range(m, min(m + HOUR_MINUTES, first))}
        idle_after = max(self._panes) + HOUR_MINUTES
        lasts = sorted(again | set(range(first, min(over, idle_after))))
        self._hours_done = max(first, over)
        return [rows for last in lasts if (rows := self._hour(last)) is not None]

    def _hour(self, last: int) -> Rows | None:
        """The hour whose last minute is ``last``."""
        start = last - HOUR_MINUTES + 1
        tables = [self._panes[m].table for m in range(start, last + 1) if m in self._panes]
        if not tables:
            return None
        hour = np.tile(_EMPTY_ROW, (max(map(len, tables)), 1))
        for table in tables:
            part = hour[: len(table)]
            part[:, :LOW] += table[:, :LOW]
            part[:, GOOD] += table[:, GOOD]
            np.minimum(part[:, LOW], table[:, LOW], out=part[:, LOW])
            np.maximum(part[:, HIGH], table[:, HIGH], out=part[:, HIGH])
        codes = np.flatnonzero(hour[:, N])
        return self._rows(start, codes, hour[codes])

    # -- restoring ------------------------------------------------------------------------------

    def restore(self, changelog: Iterable[bytes]) -> None:
        """Take changelog records, oldest first. Hours are stated anew: they are absolute."""
        for value in changelog:
            changes = _UNPACK_CHANGES(value)
            self.position, self.watermark_ms = changes.position, changes.watermark_ms
            for minute, hashes in changes.hashes:
                self._ids.setdefault(minute, _Ids())._insert(np.frombuffer(hashes, np.uint64))
            for rows in changes.panes:
                self._restore_pane(rows)
            self._forget()

    def _restore_pane(self, rows: Rows) -> None:
        pane = self._pane(rows.start)
        codes = np.array([self._codes[_names_of(key)] for key in rows.keys], np.int64)
        pane.grow(int(codes.max()) + 1)
        pane.table[codes] = np.frombuffer(rows.table, np.int64).reshape(-1, 5)


def _names_of(key: str) -> tuple[str, str, str]:
    employee, channel, indicator = key.split("|")
    return employee, channel, indicator


def _spans(ordered: Integers) -> Iterator[tuple[int, int, int]]:
    """(value, first place, place after the last) of each run of equal values."""
    edges = np.flatnonzero(np.diff(ordered)) + 1
    bounds = [0, *edges.tolist(), len(ordered)]
    for first, last in pairwise(bounds):
        yield int(ordered[first]), first, last
