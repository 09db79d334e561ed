"""Topic ``measurements``: the numbers derived from events, many to a record.

A measurement that later events change is taken back (``sign`` -1, all else as it was) and stated
anew (``sign`` 1), so sums over ``sign`` are what the windows counted.

They travel as columns: `Measurements` says how these are laid out, and gives the measurements one
by one to readers that are in no hurry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from shared.contracts.columns import pack, pack_narrow, unpack, unpack_narrow

Names = tuple[str, str, str, str, str]
"""Department, team, employee, channel, category; an unknown one is ""."""


class Measurement(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One number for one indicator.

    ``time_ms`` is the instant it is booked at; ``value`` is ms for durations, minor units for
    amounts, per mille of the scale for ratings, 1, 0 or -1 for balances, 1 for counts, the change
    for gauges; ``good`` is 1 or 0. ``sequence`` tells several measurements of one ticket and
    indicator apart. ``event`` is the 64-bit hash of the event that completed it. Unknown names are
    "".
    """

    ticket: str
    indicator: int
    sequence: int
    sign: int
    time_ms: int
    value: int
    good: int
    department: str
    team: str
    employee: str
    channel: str
    category: str
    event: int
    rule_version: str


class Measurements(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Measurements as columns, an entry a measurement: arrays of little-endian integers.

    ``tickets``, ``names`` and ``versions`` are the distinct tickets, names and versions of the
    rules; ``ticket``, ``name`` and ``version`` are places among them. ``indicator`` is uint8,
    ``sign`` and ``good`` int8, ``event`` uint64. The others are signed, each as narrow as the
    greatest of its entries in this record needs: 1, 2, 4 or 8 bytes an entry, which is the bytes of
    the column divided by its entries. ``sequence`` never needs more than 4.
    """

    tickets: list[str] = []
    names: list[Names] = []
    versions: list[str] = []
    ticket: bytes = b""
    indicator: bytes = b""
    sequence: bytes = b""
    sign: bytes = b""
    time_ms: bytes = b""
    value: bytes = b""
    good: bytes = b""
    name: bytes = b""
    event: bytes = b""
    version: bytes = b""

    def __len__(self) -> int:
        return len(self.indicator)

    def __iter__(self) -> Iterator[Measurement]:
        """The measurements one by one. Raises ``ValueError`` when the columns differ in length,
        ``struct.error`` when one ends inside a number, and ``IndexError`` when a place does not
        exist."""
        size = len(self)
        columns = zip(
            unpack_narrow(self.ticket, size),
            self.indicator,
            unpack_narrow(self.sequence, size),
            unpack("b", self.sign),
            unpack_narrow(self.time_ms, size),
            unpack_narrow(self.value, size),
            unpack("b", self.good),
            unpack_narrow(self.name, size),
            unpack("Q", self.event),
            unpack_narrow(self.version, size),
            strict=True,
        )
        for (
            ticket,
            indicator,
            sequence,
            sign,
            time_ms,
            value,
            good,
            name,
            event,
            version,
        ) in columns:
            department, team, employee, channel, category = self.names[name]
            yield Measurement(
                self.tickets[ticket],
                indicator,
                sequence,
                sign,
                time_ms,
                value,
                good,
                department,
                team,
                employee,
                channel,
                category,
                event,
                self.versions[version],
            )

    @classmethod
    def of(cls, measurements: Iterable[Measurement]) -> Measurements:
        """The columns of some measurements; the inverse of iterating. Raises ``struct.error`` when
        a number does not fit its column."""
        rows = list(measurements)
        tickets = {
            ticket: place for place, ticket in enumerate(dict.fromkeys(r.ticket for r in rows))
        }
        names = {name: place for place, name in enumerate(dict.fromkeys(map(_names, rows)))}
        versions = {v: place for place, v in enumerate(dict.fromkeys(r.rule_version for r in rows))}
        return cls(
            list(tickets),
            list(names),
            list(versions),
            pack_narrow([tickets[row.ticket] for row in rows]),
            pack("B", [row.indicator for row in rows]),
            pack_narrow([row.sequence for row in rows]),
            pack("b", [row.sign for row in rows]),
            pack_narrow([row.time_ms for row in rows]),
            pack_narrow([row.value for row in rows]),
            pack("b", [row.good for row in rows]),
            pack_narrow([names[_names(row)] for row in rows]),
            pack("Q", [row.event for row in rows]),
            pack_narrow([versions[row.rule_version] for row in rows]),
        )


def _names(row: Measurement) -> Names:
    return row.department, row.team, row.employee, row.channel, row.category


class MeasurementBatch(msgspec.Struct, array_like=True, gc=False):
    """What one flush of one input partition measured, or a ``part`` of it, counted from 0:
    (``source``, ``revision``, ``part``) names it."""

    source: int
    revision: int
    watermark_ms: int
    rows: Measurements
    part: int = 0


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(MeasurementBatch)


def encode_measurements(batch: MeasurementBatch) -> bytes:
    """MessagePack of a record of ``measurements``."""
    return _ENCODER.encode(batch)


def decode_measurements(value: bytes) -> MeasurementBatch:
    """The inverse; raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(value)
