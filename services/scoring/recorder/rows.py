"""What a record of `measurements` becomes: rows for the table, and what it can never take.

A column has at most the width of the table's, so that numbers fit by construction; what is checked
is what the columns say.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.scoring.recorder.days import DAY_MS, day_of
from shared.contracts.columns import width_of
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import MeasurementBatch, Measurements, decode_measurements

COLUMNS: Final = (
    "source",
    "revision",
    "ticket",
    "indicator",
    "sequence",
    "sign",
    "time_ms",
    "value",
    "good",
    "department",
    "team",
    "employee",
    "channel",
    "category",
    "event",
    "rule_version",
    "record_offset",
)
Row = tuple[
    int, int, str, str, int, int, int, int, int, str, str, str, str, str, int, str, int
]  # in the order of COLUMNS

_INDICATORS: Final = (*INDICATOR_IDS, *[""] * (256 - len(INDICATOR_IDS)))
_SEQUENCE_BYTES: Final = 4
_INT32: Final = 2**31
_INT64: Final = 2**63
_EARLIEST_MS: Final = 0
_LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01: a later instant is a mistake of units


class BatchId(NamedTuple):
    """What names a batch: the flush of an input partition, and the part of that flush."""

    source: int
    revision: int
    part: int


class Unstorable(ValueError):
    """The content can never be rows; the message says why."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Content that is kept aside as it came."""

    reason: str
    content: bytes


@dataclass(slots=True)
class RecordRows:
    """One Kafka record as the table sees it. ``batch`` is None for a record that is no batch."""

    partition: int
    offset: int
    batch: BatchId | None = None
    rows: list[Row] = field(default_factory=list)
    days: set[int] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)


def read_record(partition: int, offset: int, value: bytes | None) -> RecordRows:
    """Decode a record; what cannot be stored is among its refusals."""
    record = RecordRows(partition, offset)
    content = value or b""
    try:
        batch = decode_measurements(content)
        _check_batch(batch)
    except (msgspec.MsgspecError, UnicodeDecodeError, Unstorable) as error:
        record.refusals.append(Refusal(f"no batch of measurements: {error}", content))
        return record
    record.batch = BatchId(batch.source, batch.revision, batch.part)
    refused = _reasons(batch.rows)
    rows = _rows(record.batch, batch.rows, offset)
    record.rows = list(rows) if not refused else _without(rows, refused)
    record.days = _days(batch.rows, refused)
    record.refusals = _refusals(batch.rows, refused)
    return record


def refuse_whole(record: RecordRows, value: bytes | None, reason: str) -> RecordRows:
    """The same record with nothing of it stored but its content, set aside."""
    return RecordRows(record.partition, record.offset, refusals=[Refusal(reason, value or b"")])


def _check_batch(batch: MeasurementBatch) -> None:
    fits = (
        -_INT32 <= batch.source < _INT32
        and -_INT64 <= batch.revision < _INT64
        and 0 <= batch.part < _INT32
    )
    if not fits:
        raise Unstorable("source, revision or part is out of range")
    rows = batch.rows
    if any(len(column) != len(rows) * size for column, size in _sizes(rows)):
        raise Unstorable("the columns differ in length")
    if any(width_of(column, len(rows)) is None for column in _narrow(rows)):
        raise Unstorable("the columns differ in length")
    if len(rows.sequence) > len(rows) * _SEQUENCE_BYTES:
        raise Unstorable("a sequence is out of range")
    for places, entries in _places(rows):
        if places.size and not 0 <= places.min() <= places.max() < len(entries):
            raise Unstorable("a place lies outside of its list")


def _sizes(rows: Measurements) -> list[tuple[bytes, int]]:
    """Columns of a width that is given, and this width in bytes."""
    return [(rows.sign, 1), (rows.good, 1), (rows.event, 8)]


def _narrow(rows: Measurements) -> list[bytes]:
    """Columns as narrow as their entries need."""
    return [rows.ticket, rows.sequence, rows.time_ms, rows.value, rows.name, rows.version]


def _integers(column: bytes, entries: int) -> NDArray[np.int64]:
    return np.frombuffer(column, f"<i{width_of(column, entries)}").astype(np.int64)


def _places(rows: Measurements) -> list[tuple[NDArray[np.int64], list[Any]]]:
    """Columns of places, and the lists that these are places in."""
    size = len(rows)
    return [
        (_integers(rows.ticket, size), rows.tickets),
        (_integers(rows.name, size), rows.names),
        (_integers(rows.version, size), rows.versions),
    ]


def _reasons(rows: Measurements) -> dict[int, str]:
    """Which measurements can never be rows, by their places, and why."""
    indicators = np.frombuffer(rows.indicator, np.uint8)
    times = _integers(rows.time_ms, len(rows))
    reasons: dict[int, str] = {}
    for (places, _), texts in zip(_places(rows), _texts(rows), strict=True):
        wrong = np.array(["\0" in text for text in texts], np.bool_)
        if wrong.any():
            reason = "a text contains the NUL character, which Postgres refuses"
            reasons |= dict.fromkeys(np.flatnonzero(wrong[places]).tolist(), reason)
    for place in np.flatnonzero((times < _EARLIEST_MS) | (times >= _LATEST_MS)).tolist():
        reasons[place] = f"time_ms {times[place]} lies outside 1970 to 2099"
    for place in np.flatnonzero(indicators >= len(INDICATOR_IDS)).tolist():
        reasons[place] = f"unknown indicator {indicators[place]}"
    return reasons


def _texts(rows: Measurements) -> list[list[str]]:
    return [rows.tickets, ["".join(names) for names in rows.names], rows.versions]


def _without(rows: Iterable[Row], refused: Container[int]) -> list[Row]:
    return [row for place, row in enumerate(rows) if place not in refused]


def _days(rows: Measurements, refused: Mapping[int, str]) -> set[int]:
    """The days that the other measurements lie in."""
    kept = np.delete(_integers(rows.time_ms, len(rows)), list(refused))
    return {day_of(time_ms) for time_ms in np.unique(kept // DAY_MS * DAY_MS).tolist()}


def _refusals(rows: Measurements, reasons: dict[int, str]) -> list[Refusal]:
    """Each refused measurement as a record of its own."""
    if not reasons:
        return []
    return [
        Refusal(reasons[place], msgspec.msgpack.encode(measurement))
        for place, measurement in enumerate(rows)
        if place in reasons
    ]


def _rows(batch: BatchId, rows: Measurements, offset: int) -> Iterator[Row]:
    """The rows in the order of COLUMNS; an unknown indicator has no name."""
    size = len(rows)
    ticket, name, version = (column.tolist() for column, _ in _places(rows))
    departments, teams, employees, channels, categories = (
        map(part.__getitem__, name) for part in _name_parts(rows)
    )
    return zip(
        repeat(batch.source),
        repeat(batch.revision),
        map(rows.tickets.__getitem__, ticket),
        map(_INDICATORS.__getitem__, rows.indicator),
        _integers(rows.sequence, size).tolist(),
        np.frombuffer(rows.sign, "i1").tolist(),
        _integers(rows.time_ms, size).tolist(),
        _integers(rows.value, size).tolist(),
        np.frombuffer(rows.good, "i1").tolist(),
        departments,
        teams,
        employees,
        channels,
        categories,
        # As Postgres's bigint holds a 64-bit number: in two's complement.
        np.frombuffer(rows.event, "<i8").tolist(),
        map(rows.versions.__getitem__, version),
        repeat(offset),
        strict=False,  # what is the same in all rows does not end
    )


def _name_parts(rows: Measurements) -> list[tuple[str, ...]]:
    """Departments, teams, employees, channels and categories of the distinct names."""
    return list(zip(*rows.names, strict=True)) or [()] * 5
