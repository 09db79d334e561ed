"""What a record of `measurements` becomes: rows for the table, and what it can never take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from services.scoring.recorder.days import day_of
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import Measurement, decode_measurements

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

_INT16: Final = 2**15
_INT32: Final = 2**31
_INT64: Final = 2**63
_UINT64: Final = 2**64
_EARLIEST_MS: Final = 0
_LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01: a later instant is a mistake of units


class BatchId(NamedTuple):
    """What names a batch: the flush of an input partition, and the part of that flush."""

    source: int
    revision: int
    part: int


class Unstorable(ValueError):
    """The measurement can never be a row; the message says why."""


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
        _check_batch(batch.source, batch.revision, batch.part)
    except (msgspec.MsgspecError, UnicodeDecodeError, Unstorable) as error:
        record.refusals.append(Refusal(f"no batch of measurements: {error}", content))
        return record
    record.batch = BatchId(batch.source, batch.revision, batch.part)
    for measurement in batch.rows:
        _add(record, record.batch, measurement)
    return record


def refuse_whole(record: RecordRows, value: bytes | None, reason: str) -> RecordRows:
    """The same record with nothing of it stored but its content, set aside."""
    return RecordRows(record.partition, record.offset, refusals=[Refusal(reason, value or b"")])


def _add(record: RecordRows, batch: BatchId, measurement: Measurement) -> None:
    try:
        row = _row(batch, measurement, record.offset)
    except Unstorable as error:
        content = msgspec.msgpack.encode(measurement)
        record.refusals.append(Refusal(str(error), content))
    else:
        record.rows.append(row)
        record.days.add(day_of(measurement.time_ms))


def _check_batch(source: int, revision: int, part: int) -> None:
    fits = -_INT32 <= source < _INT32 and -_INT64 <= revision < _INT64 and 0 <= part < _INT32
    if not fits:
        raise Unstorable("source, revision or part is out of range")


def _row(batch: BatchId, m: Measurement, offset: int) -> Row:
    if not 0 <= m.indicator < len(INDICATOR_IDS):
        raise Unstorable(f"unknown indicator {m.indicator}")
    texts = (m.ticket, m.department, m.team, m.employee, m.channel, m.category, m.rule_version)
    if "\0" in "".join(texts):
        raise Unstorable("a text contains the NUL character, which Postgres refuses")
    _check_numbers(m)
    return (
        batch.source,
        batch.revision,
        m.ticket,
        INDICATOR_IDS[m.indicator],
        m.sequence,
        m.sign,
        m.time_ms,
        m.value,
        m.good,
        m.department,
        m.team,
        m.employee,
        m.channel,
        m.category,
        signed(m.event),
        m.rule_version,
        offset,
    )


def _check_numbers(m: Measurement) -> None:
    if not _EARLIEST_MS <= m.time_ms < _LATEST_MS:
        raise Unstorable(f"time_ms {m.time_ms} lies outside 1970 to 2099")
    fits = (
        -_INT16 <= m.sign < _INT16
        and -_INT16 <= m.good < _INT16
        and -_INT32 <= m.sequence < _INT32
        and -_INT64 <= m.value < _INT64
        and -_INT64 <= m.event < _UINT64
    )
    if not fits:
        raise Unstorable("a number does not fit its column")


def signed(number: int) -> int:
    """A 64-bit number as Postgres's bigint holds it (two's complement)."""
    return number - _UINT64 if number >= _INT64 else number
