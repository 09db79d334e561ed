"""Topics ``*.dlq``: what can never be processed, with the reason (JSON)."""

from __future__ import annotations

from typing import Final

import msgspec


class DeadLetter(msgspec.Struct, kw_only=True):
    """One record that was set aside.

    ``topic``, ``partition`` and ``offset`` say where it lies; ``reason`` is a short fixed word
    (``undecodable``, ``future``), ``detail`` a sentence. ``key`` and ``value`` are the record's
    own bytes, in base64 on the wire, so that it can be sent again once the cause is cured.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(DeadLetter)


def encode_dead_letter(record: DeadLetter) -> bytes:
    """JSON of a record of a dead-letter topic."""
    return _ENCODER.encode(record)


def decode_dead_letter(value: bytes) -> DeadLetter:
    """The inverse; raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(value)
