"""A log is read as it is: gzipped or not, in any encoding, with rows that are damaged."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from deploy.replay.errors import FileError
from deploy.replay.loading import parse_mapping
from deploy.replay.rejects import RejectFile
from deploy.replay.rows import Reject
from tests.unit.replay.cases import mapping_of, run, run_file

RULE = "c:\n  type: ticket.closed\n  time: at"
HEADER = "id,state,group,moves,at\n"
LINE = "T1,A,g,0,2024-03-01T10:00Z\n"


def write(folder: Path, data: bytes, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_gzip_is_recognised_whatever_the_file_is_called(tmp_path: Path) -> None:
    log = write(tmp_path, gzip.compress((HEADER + LINE).encode()), "log.txt")
    assert run_file(tmp_path, mapping_of(RULE), log).ids == ["T1:c:1"]


def test_a_gzip_file_that_is_cut_short_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    data = gzip.compress((HEADER + LINE * 500).encode())
    log = write(tmp_path, data[: len(data) // 2])
    with pytest.raises(FileError, match="damaged or cut short"):
        run_file(tmp_path, mapping_of(RULE), log)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    log = write(tmp_path, b"\xef\xbb\xbf" + (HEADER + LINE).encode())
    assert run_file(tmp_path, mapping_of(RULE), log).ids == ["T1:c:1"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"T9,A,g\n", "has 3 fields, the header has 5"),
        (b"T9,A,g,0,2024-03-01T10:00Z,more\n", "has 6 fields, the header has 5"),
        (b"T9,\xff\xfe,g,0,2024-03-01T10:00Z\n", "holds bytes that are not utf-8-sig"),
        (b"T9,A\x00,g,0,2024-03-01T10:00Z\n", "holds a NUL character"),
        (b"T9,A,g,many,2024-03-01T10:00Z\n", "moves: 'many' is no number"),
        (b"T9,A,g,1.5,2024-03-01T10:00Z\n", "moves: '1.5' is no whole number"),
        (b"T9,A,g,0,yesterday\n", "at: 'yesterday' is no time in the format %H:%M or iso8601"),
        (b"T9,A,g,0,-\n", "at is empty"),
        (b"-,A,g,0,2024-03-01T10:00Z\n", "id is empty"),
        (b"T9," + b"x" * 140_000 + b",g,0,2024-03-01T10:00Z\n", "is no CSV"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_the_rest_goes_on(
    tmp_path: Path, bad: bytes, reason: str
) -> None:
    log = write(tmp_path, (HEADER + LINE).encode() + bad + LINE.replace("T1", "T2").encode())
    mapped = run_file(tmp_path, mapping_of(RULE), log)
    assert mapped.ids == ["T1:c:1", "T2:c:1"]
    assert [(reject["row"], reject["line"]) for reject in mapped.rejects] == [(2, 3)]
    assert reason in mapped.rejects[0]["reason"]
    assert mapped.tally.rejected_rows == 1


def test_a_quoted_line_break_stays_in_its_field_and_lines_are_counted_as_an_editor_does(
    tmp_path: Path,
) -> None:
    text = HEADER + 'T1,"A\nB",g,0,2024-03-01T10:00Z\n' + "T2,A,g,0,bad\n"
    mapped = run_file(tmp_path, mapping_of(RULE), write(tmp_path, text.encode()))
    assert mapped.ids == ["T1:c:1"]
    assert (mapped.rejects[0]["row"], mapped.rejects[0]["line"]) == (2, 4)


def test_another_delimiter_quote_and_encoding_are_read_as_the_mapping_says(tmp_path: Path) -> None:
    mapping = parse_mapping(
        Path("m.yaml"),
        """\
version: 1
name: test
source: crm
file: {delimiter: ";", quote: "'", encoding: gb18030, header: [nr, who, when]}
columns:
  id: {from: nr}
  who: {from: who}
  at: {from: when, type: time, formats: ["%d.%m.%Y"], zone: Asia/Shanghai, day_only: end}
case: id
events:
  o: {type: ticket.opened, time: at, data: {employee: who}}
""",
    )
    log = write(tmp_path, "T1;'王;芳';01.03.2024\n".encode("gb18030"))
    event = run_file(tmp_path, mapping, log).events[0]
    assert event["data"] == {"employee": "王;芳"}
    assert event["time"] == "2024-03-01T15:59:59.999Z"


def test_two_spellings_of_a_date_are_tried_in_turn(tmp_path: Path) -> None:
    rows = [
        ["T1", "A", "g", "0", "2024-03-01 10:00+08:00"],
        ["T2", "A", "g", "0", "2024-03-01T02:00:00.250Z"],
    ]
    times = [event["time"] for event in run(tmp_path, mapping_of(RULE), rows).events]
    assert times == ["2024-03-01T02:00:00.000Z", "2024-03-01T02:00:00.250Z"]


def test_a_local_time_that_occurs_twice_is_the_earlier_instant(tmp_path: Path) -> None:
    mapping = mapping_of(RULE).in_zone("Europe/Berlin")
    rows = [["T1", "A", "g", "0", "2024-10-27T02:30"], ["T2", "A", "g", "0", "2024-03-31T02:30"]]
    times = [event["time"] for event in run(tmp_path, mapping, rows).events]
    assert times == ["2024-03-31T01:30:00.000Z", "2024-10-27T00:30:00.000Z"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no header line"),
        (b"id,id,at\n", "names id more than once"),
        (b"id,state,group,at\nT1,A,g,x\n", "has no column 'moves'"),
        (b"id,state\n", "has no column 'at', 'group', 'moves'"),
    ],
)
def test_a_file_of_another_shape_is_an_error_that_says_so(
    tmp_path: Path, data: bytes, says: str
) -> None:
    with pytest.raises(FileError, match=says):
        run_file(tmp_path, mapping_of(RULE), write(tmp_path, data))


def test_a_file_without_rows_gives_no_events(tmp_path: Path) -> None:
    assert run_file(tmp_path, mapping_of(RULE), write(tmp_path, HEADER.encode())).events == []


def test_rejects_are_written_as_csv_or_as_json_lines_by_the_name_of_the_file(
    tmp_path: Path,
) -> None:
    reject = Reject(7, 6, "at is empty", "opened", ("T1", "王"))
    for name in ("r.csv", "r.jsonl"):
        with RejectFile(tmp_path / name) as rejects:
            rejects.add(reject)
    line = json.loads((tmp_path / "r.jsonl").read_text("utf-8"))
    row = next(csv.DictReader((tmp_path / "r.csv").read_text("utf-8").splitlines()))
    assert line == {
        "row": 6,
        "line": 7,
        "event": "opened",
        "reason": "at is empty",
        "record": ["T1", "王"],
    }
    assert {**row, "record": json.loads(row["record"])} == {k: str(v) for k, v in line.items()} | {
        "record": ["T1", "王"]
    }


def test_no_reject_file_is_left_where_nothing_was_rejected(tmp_path: Path) -> None:
    old = write(tmp_path, b"of an earlier run", "r.csv")
    with RejectFile(old):
        pass
    assert not old.exists()
