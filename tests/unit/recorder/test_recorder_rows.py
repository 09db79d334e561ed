"""What a record of measurements becomes."""

import msgspec
import pytest

from services.scoring.recorder.chunks import Chunk, chunks
from services.scoring.recorder.days import partition_of_day
from services.scoring.recorder.rows import (
    COLUMNS,
    BatchId,
    RecordRows,
    read_record,
    refuse_whole,
)
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import (
    Measurement,
    MeasurementBatch,
    Measurements,
    encode_measurements,
)

NOON_MS = 1_456_920_000_000


def measurement(**changes: object) -> Measurement:
    plain = Measurement(
        ticket="T-1",
        indicator=1,
        sequence=0,
        sign=1,
        time_ms=NOON_MS,
        value=90_000,
        good=1,
        department="after-sales",
        team="returns",
        employee="li.na",
        channel="phone",
        category="refund",
        event=7,
        rule_version="2026-1",
    )
    return msgspec.structs.replace(plain, **changes)


def record_of(*rows: Measurement, source: int = 2, revision: int = 5) -> RecordRows:
    batch = MeasurementBatch(source, revision, 0, Measurements.of(rows))
    return read_record(3, 40, encode_measurements(batch))


def test_a_measurement_becomes_a_row_that_names_its_indicator_and_its_record() -> None:
    (row,) = record_of(measurement()).rows
    by_column = dict(zip(COLUMNS, row, strict=True))
    assert by_column["indicator"] == INDICATOR_IDS[1]
    assert (by_column["source"], by_column["revision"], by_column["record_offset"]) == (2, 5, 40)
    assert (by_column["employee"], by_column["value"]) == ("li.na", 90_000)


def test_an_event_hash_keeps_its_64_bits() -> None:
    (row,) = record_of(measurement(event=2**64 - 1)).rows
    assert row[COLUMNS.index("event")] == -1


@pytest.mark.parametrize(
    "changes",
    [
        {"department": "a\0b"},
        {"indicator": len(INDICATOR_IDS)},
        {"ticket": "a\0b"},
        {"rule_version": "a\0b"},
        {"indicator": 255},
        {"time_ms": -1},
        {"time_ms": 10**16},
    ],
)
def test_what_postgres_cannot_hold_is_set_aside_and_the_others_are_kept(
    changes: dict[str, object],
) -> None:
    record = record_of(measurement(), measurement(**changes), measurement(ticket="T-2"))
    assert [row[COLUMNS.index("ticket")] for row in record.rows] == ["T-1", "T-2"]
    (refusal,) = record.refusals
    kept = msgspec.msgpack.decode(refusal.content, type=Measurement)
    assert kept == measurement(**changes)


@pytest.mark.parametrize(
    "value", [b"", None, b"\xc1", b"\x94\x01\x02\x03", b"\x94\x01\xa1\xff\x00"]
)
def test_bytes_that_are_no_batch_are_set_aside_whole(value: bytes | None) -> None:
    record = read_record(0, 1, value)
    assert record.batch is None
    assert [refusal.content for refusal in record.refusals] == [value or b""]


def test_every_number_of_a_measurement_arrives_in_its_column() -> None:
    changes = {"sequence": -(2**31), "sign": -1, "value": -(2**63), "good": 0, "event": 2**63}
    (row,) = record_of(measurement(**changes)).rows
    by_column = dict(zip(COLUMNS, row, strict=True))
    assert {name: by_column[name] for name in changes} == {**changes, "event": -(2**63)}


@pytest.mark.parametrize(
    "changes",
    [
        {"value": b"\0" * 7},
        {"value": b"\0" * 16},
        {"time_ms": b""},
        {"indicator": b"\0\0"},
        {"sequence": b"\0" * 3},
        {"sequence": b"\0" * 8},
        {"event": b"\0" * 4},
        {"ticket": b"\x01"},
        {"name": b"\xff"},
        {"version": b"\x01\0"},
        {"names": []},
    ],
)
def test_columns_that_contradict_each_other_are_set_aside_whole(
    changes: dict[str, object],
) -> None:
    rows = msgspec.structs.replace(Measurements.of([measurement()]), **changes)
    value = encode_measurements(MeasurementBatch(2, 5, 0, rows))
    record = read_record(3, 40, value)
    assert record.batch is None
    assert record.rows == []
    assert [refusal.content for refusal in record.refusals] == [value]


@pytest.mark.parametrize("number", [-(2**63), -(2**31), -129, -128, 0, 127, 128, 2**31, 2**63 - 1])
def test_a_value_of_any_width_is_kept(number: int) -> None:
    (row,) = record_of(measurement(value=number)).rows
    assert row[COLUMNS.index("value")] == number


def test_measurements_of_the_first_moments_of_1970_have_a_day() -> None:
    record = record_of(measurement(time_ms=0), measurement(time_ms=99))
    assert [row[COLUMNS.index("time_ms")] for row in record.rows] == [0, 99]
    assert record.days == {0}


def test_a_batch_without_measurements_is_a_batch() -> None:
    record = record_of()
    assert record.batch == BatchId(2, 5, 0)
    assert (record.rows, record.refusals) == ([], [])


def test_a_refused_record_keeps_its_place_and_loses_its_rows() -> None:
    record = record_of(measurement())
    refused = refuse_whole(record, b"content", "why")
    assert (refused.partition, refused.offset, refused.rows) == (3, 40, [])


def test_a_batch_that_is_in_a_chunk_twice_gives_its_rows_once() -> None:
    chunk = Chunk([record_of(measurement()), record_of(measurement())])
    assert len(chunk.rows_of({BatchId(2, 5, 0)})) == 1
    assert chunk.rows_of(set()) == []


def test_chunks_respect_the_limit_and_the_order_of_the_log() -> None:
    records = [RecordRows(0, n, rows=[record_of(measurement()).rows[0]] * 4) for n in range(5)]
    made = list(chunks(records, limit=8))
    assert [chunk.row_count for chunk in made] == [8, 8, 4]
    assert [record.offset for chunk in made for record in chunk.records] == [0, 1, 2, 3, 4]
    assert made[-1].next_offsets == {0: 5}


def test_a_record_larger_than_the_limit_is_a_chunk_of_its_own() -> None:
    records = [RecordRows(0, n, rows=[record_of(measurement()).rows[0]] * 20) for n in range(2)]
    assert [chunk.row_count for chunk in chunks(records, limit=8)] == [20, 20]


def test_a_day_has_a_table_with_its_date() -> None:
    day = partition_of_day(NOON_MS // 86_400_000)
    assert day.table == "measurements_20160302"
    assert day.start_ms <= NOON_MS < day.end_ms
