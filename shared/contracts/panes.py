"""Topic ``panes``: the mergeable summaries of measurements, as absolute cells.

A cell is the whole summary that one input partition has for (level, start, leaf, indicator); a
later cell replaces an earlier one, so re-delivery is harmless and any reader can rebuild. Each
update holds the cells that a flush touched, and after them a slice of all cells in turn
(``slice_cells``): when the slices have gone round once (``cycle`` grows), nothing older than the
start of the previous cycle is needed. A reader adds leaves up to scopes (`leaves.scopes_of`).

A quarter-hour or a day is stated once it is sealed, which it is when it ends at or before the
``sealed_ms`` of an update: all of its cells in the flush that says so first, and from then on each
that changes. Until then its cells are the sums of the same source's cells one level below, and what
a slice says of them is not for readers: it is how far the source itself has summed them up.

Cells travel as columns, for a flush states thousands of them: `Cells` says how they are laid out,
and gives them one by one to readers that are in no hurry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Literal, NamedTuple

import msgspec

from shared.contracts.columns import pack_narrow, unpack_narrow
from shared.contracts.leaves import LeafName

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS

MINUTE: Final = 0
QUARTER: Final = 1
DAY: Final = 2
TOTAL: Final = 3
"""Levels of a cell. TOTAL is the sum over all time (for gauges such as the backlog), start 0."""

Level = Literal[0, 1, 2, 3]

CellColumns = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]


class Cell(NamedTuple):
    """One cell.

    ``start_ms``: start of the pane, for DAY the midnight of the organisation's zone. ``indicator``
    is a place in INDICATOR_IDS. ``n`` measurements, their integer ``total`` (ms for durations,
    minor units for amounts, per mille of the scale for ratings, good less bad for balances, changes
    for gauges), ``good`` those that meet the limit or count in the numerator. ``sketch`` lists
    (bucket, count), ascending by bucket: of the log-bucket sketch of a duration or amount, or of a
    rating, whose bucket is its value.
    """

    leaf: LeafName
    level: int
    start_ms: int
    indicator: int
    n: int
    total: int
    good: int
    sketch: tuple[tuple[int, int], ...] = ()


class Cells(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Cells as columns, an entry a cell. ``level`` and ``indicator`` are arrays of bytes. The
    others are arrays of little-endian signed integers, each as narrow as the greatest of its
    entries in this record needs: 1, 2, 4 or 8 bytes an entry, which is the bytes of the column
    divided by its entries.

    ``leaves`` are the distinct leaves, ``leaf`` places among them. ``start_min`` is the pane's
    start in minutes since 1970 (every pane starts at a whole one). ``buckets`` is the number of
    sketch buckets of each cell; the buckets and counts of all cells follow one another in
    ``bucket`` and ``counts``, whose entries are as many as ``buckets`` has in sum. No cell is there
    twice.
    """

    leaves: list[LeafName] = []
    leaf: bytes = b""
    level: bytes = b""
    indicator: bytes = b""
    start_min: bytes = b""
    n: bytes = b""
    total: bytes = b""
    good: bytes = b""
    buckets: bytes = b""
    bucket: bytes = b""
    counts: bytes = b""

    def __len__(self) -> int:
        return len(self.level)

    @property
    def columns(self) -> CellColumns:
        """All but the leaves, in their order."""
        columns = (self.leaf, self.level, self.indicator, self.start_min, self.n, self.total)
        return (*columns, self.good, self.buckets, self.bucket, self.counts)

    @property
    def nbytes(self) -> int:
        """The bytes of all columns."""
        return sum(map(len, self.columns))

    def __iter__(self) -> Iterator[Cell]:
        """The cells one by one. Raises ``ValueError`` when a column has not as many entries as the
        others say, and ``IndexError`` when a leaf does not exist."""
        size = len(self)
        buckets = unpack_narrow(self.buckets, size)
        bucket = unpack_narrow(self.bucket, sum(buckets))
        sketch = zip(bucket, unpack_narrow(self.counts, len(bucket)), strict=True)
        columns = zip(
            unpack_narrow(self.leaf, size),
            self.level,
            self.indicator,
            unpack_narrow(self.start_min, size),
            unpack_narrow(self.n, size),
            unpack_narrow(self.total, size),
            unpack_narrow(self.good, size),
            buckets,
            strict=True,
        )
        for leaf, level, indicator, start_min, n, total, good, length in columns:
            part = tuple(islice(sketch, length))
            start_ms = start_min * MINUTE_MS
            yield Cell(self.leaves[leaf], level, start_ms, indicator, n, total, good, part)

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Cells:
        """The columns of some cells; the inverse of iterating. Raises ``ValueError`` for a cell
        that does not start at a whole minute."""
        rows = list(cells)
        leaves = list(dict.fromkeys(cell.leaf for cell in rows))
        places = {leaf: place for place, leaf in enumerate(leaves)}
        sketch = [entry for cell in rows for entry in cell.sketch]
        return cls(
            leaves,
            pack_narrow([places[cell.leaf] for cell in rows]),
            bytes(cell.level for cell in rows),
            bytes(cell.indicator for cell in rows),
            pack_narrow([_minute(cell.start_ms) for cell in rows]),
            pack_narrow([cell.n for cell in rows]),
            pack_narrow([cell.total for cell in rows]),
            pack_narrow([cell.good for cell in rows]),
            pack_narrow([len(cell.sketch) for cell in rows]),
            pack_narrow([bucket for bucket, _ in sketch]),
            pack_narrow([count for _, count in sketch]),
        )


def _minute(start_ms: int) -> int:
    minute, rest = divmod(start_ms, MINUTE_MS)
    if rest:
        raise ValueError(f"{start_ms} ms is no whole minute")
    return minute


NO_CELLS: Final = Cells()


class PaneUpdate(msgspec.Struct, array_like=True, tag="panes", gc=False):
    """What one input partition says of one group in one flush.

    ``revision`` is the flush's number in its partition and only grows. ``watermark_ms`` is how far
    its time has come: the greatest event time seen, or the clock while it is live, for a deadline
    passes though no event comes. ``sealed_ms`` says which quarter-hours and days are stated (see
    above); it is a whole quarter-hour and never falls. ``caught_up`` says that nothing more was
    waiting; ``received_ms`` is the latest reception among the flush's events (0: none). ``group``
    is `Scope.group` of the leaves' department, or the organisation's.
    """

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
    slice_cells: Cells


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
