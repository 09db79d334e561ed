"""Decoding of ``panes`` that leaves the slices packed until they are asked for.

Slices repeat what the log said before, so that its old part can be deleted. Who has read the log
needs none of them, and they are most of its bytes.
"""

from __future__ import annotations

from typing import Final

import msgspec

from services.scoring.core.pane_parts import CellError, Part, check
from shared.contracts.panes import NO_CELLS, Cells, PaneRecord, PaneUpdate, Watermark


class RecordRefused(ValueError):
    """The bytes are no record of panes."""


class _PackedUpdate(msgspec.Struct, array_like=True, tag="panes", gc=False):
    """`PaneUpdate`, field by field, with its slice as it came."""

    source: int
    group: str
    revision: int
    watermark_ms: int
    sealed_ms: int
    caught_up: bool
    received_ms: int
    rule_version: str
    cells: Cells
    cycle: int
    slice_cells: msgspec.Raw


_DECODER: Final[msgspec.msgpack.Decoder[_PackedUpdate | Watermark]] = msgspec.msgpack.Decoder(
    _PackedUpdate | Watermark
)
_SLICES: Final[msgspec.msgpack.Decoder[Cells]] = msgspec.msgpack.Decoder(Cells)


def decode_record(value: bytes, *, with_slice: bool) -> PaneRecord:
    """A record of ``panes``, its cells checked; without its slice unless asked. Raises
    `RecordRefused`."""
    try:
        return _decode(value, with_slice=with_slice)
    except (msgspec.MsgspecError, TypeError, CellError) as error:
        raise RecordRefused(str(error)) from error


def _decode(value: bytes, *, with_slice: bool) -> PaneRecord:
    record = _DECODER.decode(value)
    if isinstance(record, Watermark):
        return record
    slice_cells = _SLICES.decode(record.slice_cells) if with_slice else NO_CELLS
    for cells in (record.cells, slice_cells):
        check(Part(record.source, record.sealed_ms, cells))
    return PaneUpdate(
        record.source,
        record.group,
        record.revision,
        record.watermark_ms,
        record.sealed_ms,
        record.caught_up,
        record.received_ms,
        record.rule_version,
        record.cells,
        record.cycle,
        slice_cells,
    )
