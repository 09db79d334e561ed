"""Topic ``panes``: the mergeable summaries of measurements, as absolute cells.

A cell is the whole summary that one input partition has for (level, start, scope, indicator); a
later cell replaces an earlier one, so re-delivery is harmless and any reader can rebuild. Each
update holds the cells that a flush touched, and after them a slice of all cells in turn
(``slice_cells``): when the slices have gone round once (``cycle`` grows), nothing older than the
start of the previous cycle is needed.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

MINUTE: Final = 0
QUARTER: Final = 1
DAY: Final = 2
TOTAL: Final = 3
"""Levels of a cell. TOTAL is the sum over all time (for gauges such as the backlog), start 0."""

Level = Literal[0, 1, 2, 3]


class Cell(msgspec.Struct, array_like=True, gc=False):
    """``start_ms``: start of the pane, for DAY the midnight of the organisation's zone.

    ``kind`` and ``indicator`` are places in SCOPE_KINDS and INDICATOR_IDS; ``id`` is the scope's id
    in the department (or organisation) that the update speaks of. ``n`` measurements, their integer
    ``total`` (ms for durations, minor units for amounts, per mille of the scale for ratings, good
    less bad for balances, changes for gauges), ``good`` those that meet the limit or count in the
    numerator. ``sketch`` lists bucket, count, bucket, count, …: of the log-bucket sketch of a
    duration or amount, or of a rating, whose bucket is its value.
    """

    level: int
    start_ms: int
    kind: int
    id: str
    indicator: int
    n: int
    total: int
    good: int
    sketch: list[int] | None = None


class PaneUpdate(msgspec.Struct, array_like=True, tag="panes", gc=False):
    """What one input partition says of one group in one flush.

    ``revision`` is the flush's number in its partition and only grows. ``watermark_ms`` is the
    greatest event time seen; ``caught_up`` says that nothing more was waiting; ``received_ms`` is
    the latest reception among the flush's events (0: none). ``group`` is `Scope.group`.
    """

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
    slice_cells: list[Cell]


class Watermark(msgspec.Struct, array_like=True, tag="watermark", gc=False):
    """Sent with a flush to every partition of ``panes`` that gets no update of it: how far an input
    partition has come."""

    source: int
    revision: int
    watermark_ms: int
    caught_up: bool
    received_ms: int


PaneRecord = PaneUpdate | Watermark

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[PaneRecord]] = msgspec.msgpack.Decoder(PaneRecord)


def encode_pane_record(record: PaneRecord) -> bytes:
    """MessagePack of a record of ``panes``."""
    return _ENCODER.encode(record)


def decode_pane_record(value: bytes) -> PaneRecord:
    """The inverse; raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(value)
