"""Record formats: what is written is read back, and what is no record is refused."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shared.contracts.breaches import decode_breach, encode_breach
from shared.contracts.dead_letters import decode_dead_letter, encode_dead_letter
from shared.contracts.examples import PANES, RECORDS
from shared.contracts.figures import decode_score, encode_score
from shared.contracts.measurements import decode_measurements, encode_measurements
from shared.contracts.panes import decode_pane_record, encode_pane_record

Codec = tuple[Callable[[Any], bytes], Callable[[bytes], Any]]
CODECS: dict[str, Codec] = {
    "Breach": (encode_breach, decode_breach),
    "DeadLetter": (encode_dead_letter, decode_dead_letter),
    "MeasurementBatch": (encode_measurements, decode_measurements),
    "PaneRecord": (encode_pane_record, decode_pane_record),
    "ScoreRecord": (encode_score, decode_score),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_read_back_as_it_was_written(name: str) -> None:
    encode, decode = CODECS[name]
    for record in RECORDS[name]:
        assert decode(encode(record)) == record


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("value", [b"", b"null", b"{}", b"[]", b"\x90", b"\xc0", b"\xff"])
def test_what_is_no_record_is_refused(name: str, value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        CODECS[name][1](value)


@pytest.mark.parametrize("name", RECORDS)
def test_half_a_record_is_refused(name: str) -> None:
    encode, decode = CODECS[name]
    for record in RECORDS[name]:
        value = encode(record)
        with pytest.raises(msgspec.MsgspecError):
            decode(value[: len(value) // 2])


def test_an_older_reader_passes_over_what_a_newer_writer_appends() -> None:
    appended = msgspec.msgpack.encode([*msgspec.to_builtins(PANES, builtin_types=(bytes,)), "new"])
    assert decode_pane_record(appended) == PANES
