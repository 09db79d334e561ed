"""The reader of panes that skips slices reads the same contract."""

from __future__ import annotations

import msgspec
import pytest

from services.scoring.windows.pane_records import RecordRefused, _PackedUpdate, decode_record
from shared.contracts.panes import NO_CELLS, Cell, PaneUpdate, Watermark, encode_pane_record
from tests.unit.scoring.windows.pane_stream import update

CELL = Cell(("d", "t", "ann"), 0, 60_000, 0, 2, 30, 1, ((5, 2),))
OLD = Cell(("d", "t", "ann"), 1, 0, 0, 3, 40, 1)


def test_an_update_comes_with_or_without_its_slice() -> None:
    sent = update(3, [CELL], slice_cells=[OLD], cycle=7, watermark_ms=9)
    value = encode_pane_record(sent)
    assert decode_record(value, with_slice=True) == sent
    assert decode_record(value, with_slice=False) == msgspec.structs.replace(
        sent, slice_cells=NO_CELLS
    )


def test_a_watermark_is_read_as_it_is() -> None:
    mark = Watermark(1, 2, 3, True, 4)
    assert decode_record(encode_pane_record(mark), with_slice=False) == mark


def test_the_fields_are_those_of_the_contract() -> None:
    assert _PackedUpdate.__struct_fields__ == PaneUpdate.__struct_fields__
    assert _PackedUpdate.__struct_config__.tag == PaneUpdate.__struct_config__.tag


@pytest.mark.parametrize("value", [b"", b"\x00", b"{}", b"\x92\xa5other\x01"])
def test_other_bytes_are_refused(value: bytes) -> None:
    with pytest.raises(RecordRefused):
        decode_record(value, with_slice=True)
