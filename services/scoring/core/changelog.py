"""The state changelog of one input partition: packed records, each a part of one flush.

A flush writes the tickets that it changed and the measurements that it booked, and in turn a slice
of all tickets and cells. When the slices have gone round (``cycle`` grew twice), records older than
the start of the cycle before hold nothing that a later record does not hold, and can be deleted:
every cell that was there when a round began is stated in it, and what was booked since follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from shared.contracts.measurements import Names
from shared.contracts.panes import Cells


class TicketRow(msgspec.Struct, array_like=True, gc=False):
    """A ticket and its packed facts; empty bytes mean that it was forgotten."""

    id: str
    packed: bytes


class BookedRows(msgspec.Struct, array_like=True, gc=False):
    """Measurements that a flush booked, as columns like those of `Measurements`, as narrow as they:
    what panes need of them. ``names`` are distinct, ``name`` places among them."""

    names: list[Names]
    indicator: bytes
    sign: bytes
    time_ms: bytes
    value: bytes
    good: bytes
    name: bytes


class ChangelogRecord(msgspec.Struct, array_like=True, gc=False):
    """``positions`` is the next offset to read of each input topic, in the order of the registry;
    ``rules`` the versions that were applied with their digests; ``rows`` are booked in the panes
    first, then ``panes``, absolute cells, replace what is there; ``marks`` has the greatest event
    time of each input topic; ``settled_ms`` is the stream time before which all that fell due is
    booked; panes that end by ``sealed_ms`` are sealed before rows are booked."""

    revision: int
    cycle: int
    positions: list[int]
    watermark_ms: int
    rules: dict[str, str]
    tickets: list[TicketRow]
    rows: list[BookedRows]
    panes: list[Cells]
    marks: list[int]
    settled_ms: int
    sealed_ms: int


_DECODER: Final = msgspec.msgpack.Decoder(ChangelogRecord)


def decode_changelog(value: bytes) -> ChangelogRecord:
    """A record as the compiled engine wrote it; raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(value)


class _Header(msgspec.Struct, array_like=True, gc=False):
    revision: int
    cycle: int


_HEADER_DECODER: Final = msgspec.msgpack.Decoder(_Header)


class Tail:
    """The records of a changelog that a restore needs, as they are read from its beginning.

    A round of slices is complete when the next one follows it; what lies before a complete round
    is let go unread. A round that its engine did not live to complete has no successor: its number
    plus one is never given out.
    """

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self._cycle = -1
        self._cycle_start = 0

    def __len__(self) -> int:
        return len(self._records)

    def append(self, value: bytes) -> None:
        """Take the next record of the log."""
        cycle = _HEADER_DECODER.decode(value).cycle
        if cycle != self._cycle:
            if cycle == self._cycle + 1:
                del self._records[: self._cycle_start]
            self._cycle = cycle
            self._cycle_start = len(self._records)
        self._records.append(value)

    def take(self) -> Iterator[bytes]:
        """The records, oldest first; each is let go as it is taken."""
        self._records.reverse()
        while self._records:
            yield self._records.pop()


class Rounds:
    """Where the rounds of slices that one engine began lie in the log."""

    def __init__(self) -> None:
        self._began: int | None = None

    def begin(self, offset: int) -> int | None:
        """A round begins at an offset, so the one before is complete: what lies before that is
        superfluous. None where no round before is known."""
        superfluous, self._began = self._began, offset
        return superfluous

    def interrupt(self) -> None:
        """Another engine takes over: the round under way is never completed."""
        self._began = None
