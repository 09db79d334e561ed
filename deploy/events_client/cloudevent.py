"""Writes structured CloudEvents 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER: Final = msgspec.json.Encoder()


def encode_event(
    *, source: str, id: str, type: str, subject: str, at_ms: int, data: Mapping[str, object]
) -> bytes:
    """One event in JSON; ``at_ms`` is its time in milliseconds since 1970."""
    return _ENCODER.encode(
        {
            "specversion": "1.0",
            "id": id,
            "source": source,
            "type": type,
            "subject": subject,
            "time": rfc3339(at_ms),
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def rfc3339(at_ms: int) -> str:
    """Milliseconds since 1970 to ``2026-01-02T03:04:05.678Z``."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"
