"""Topics ``*.dlq``: what can never be processed, with the reason (JSON)."""

from __future__ import annotations

from typing import Final

import msgspec


class DeadLetter(msgspec.Struct, kw_only=True):
    """One record that was set aside.

    ``topic``, ``partition`` and ``offset`` say where it lies; ``reason`` is a fixed word,
    ``detail`` a sentence. ``key`` and ``value`` are the record's own bytes, in base64 on the wire,
    so that it can be sent again once the cause is cured; one of more than 1 MiB is left out (null),
    and can be read where it lies.

    Reasons: ``undecodable`` no event of the contract; ``wrong_key`` its key is not its ticket's id,
    so it may lie in a partition that does not own the ticket; ``future`` its time lies after its
    reception by more than the tolerance; ``implausible_time`` before 2000 or after 2099;
    ``too_late`` older than the horizon; ``too_many_events`` a ticket with more events, in number or
    in bytes, than any ticket has.
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
