"""Decoding of ``panes`` that leaves the slices packed until they are asked for.

Slices repeat what the log said before, so that its old part can be deleted. Who has read the log
needs none of them, and they are most of its bytes.
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.contracts.panes import Cell, PaneRecord, PaneUpdate, Watermark


class _PackedUpdate(msgspec.Struct, array_like=True, tag="panes", gc=False):
    """`PaneUpdate`, field by field, with its slice as it came."""

    source: int
    group: str
    department: str
    revision: int
    watermark_ms: int
    caught_up: bool
    received_ms: int
    rule_version: str
    cells: list[Cell]
    cycle: int
    slice_cells: msgspec.Raw


_DECODER: Final[msgspec.msgpack.Decoder[_PackedUpdate | Watermark]] = msgspec.msgpack.Decoder(
    _PackedUpdate | Watermark
)
_SLICES: Final[msgspec.msgpack.Decoder[list[Cell]]] = msgspec.msgpack.Decoder(list[Cell])


def decode_record(value: bytes, *, with_slice: bool) -> PaneRecord:
    """A record of ``panes``; without its slice unless asked. Raises ``msgspec.MsgspecError``."""
    record = _DECODER.decode(value)
    if isinstance(record, Watermark):
        return record
    return PaneUpdate(
        record.source,
        record.group,
        record.department,
        record.revision,
        record.watermark_ms,
        record.caught_up,
        record.received_ms,
        record.rule_version,
        record.cells,
        record.cycle,
        _SLICES.decode(record.slice_cells) if with_slice else [],
    )
