"""Topic ``breaches``: a target began or ceased to be missed (JSON)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from shared.contracts.figures import WindowName

Transition = Literal["breached", "cleared"]
Severity = Literal["warning", "critical"]


class Breach(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One transition.

    ``id`` is the same for the breach and its clearing and is a function of target, scope, window
    and ``started_ms``, so a repeated delivery is recognised. ``measure`` says what ``value`` and
    ``limit`` are: ratio and share_within are shares of 1, p50…p99 and mean are ms, value is a
    number. ``comparison`` is the side that meets the target. ``at_ms`` is stream time;
    ``received_ms`` the latest reception among the events that led here (0: unknown).
    """

    id: str
    transition: Transition
    target: str
    indicator: str
    measure: str
    comparison: Literal["at_least", "at_most"]
    limit: float
    within_ms: int | None = None
    scope: str
    window: WindowName
    severity: Severity
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    started_ms: int
    at_ms: int
    received_ms: int = 0
    rule_version: str

    @property
    def key(self) -> str:
        """What can be in breach: the record's key, so that its transitions stay in order."""
        return f"{self.target}|{self.scope}|{self.window}"


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Breach)


def encode_breach(record: Breach) -> bytes:
    """JSON of a record of ``breaches``."""
    return _ENCODER.encode(record)


def decode_breach(value: bytes) -> Breach:
    """The inverse; raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(value)
