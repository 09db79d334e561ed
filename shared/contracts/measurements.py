"""Topic ``measurements``: the numbers derived from events, many to a record.

A measurement that later events change is taken back (``sign`` -1, all else as it was) and stated
anew (``sign`` 1), so sums over ``sign`` are what the windows counted.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Measurement(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One number for one indicator.

    ``time_ms`` is the instant it is booked at; ``value`` is ms for durations, minor units for
    amounts, per mille of the scale for ratings, 1, 0 or -1 for balances, 1 for counts, the change
    for gauges; ``good`` is 1 or 0. ``sequence`` tells
    several measurements of one ticket and indicator apart. ``event`` is the 64-bit hash of the
    event that completed it. Unknown names are "".
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


class MeasurementBatch(msgspec.Struct, array_like=True, gc=False):
    """What one flush of one input partition measured, or a ``part`` of it, counted from 0:
    (``source``, ``revision``, ``part``) names it."""

    source: int
    revision: int
    watermark_ms: int
    rows: list[Measurement]
    part: int = 0


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(MeasurementBatch)


def encode_measurements(batch: MeasurementBatch) -> bytes:
    """MessagePack of a record of ``measurements``."""
    return _ENCODER.encode(batch)


def decode_measurements(value: bytes) -> MeasurementBatch:
    """The inverse; raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(value)
