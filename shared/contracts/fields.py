"""Field rules that the Pydantic models and the msgspec structs share: both refuse the same."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

NAME_PATTERN: Final = r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?(?!\n)$"
"""A name or id: no control characters, no white space at its ends (the look-ahead stops ``$``
from matching before a final line feed)."""

TEXT_PATTERN: Final = r"^[^\x00]*$"
"""Free text: anything but NUL, which Postgres cannot store."""
CONTENT_TYPE_PATTERN: Final = r"^application/json(?:;[^\x00-\x1f\x7f]*)?(?!\n)$"
CURRENCY_PATTERN: Final = r"^[A-Z]{3}(?!\n)$"
"""An ISO 4217 code."""

NAME_LENGTH: Final = 200
TEXT_LENGTH: Final = 4000
MAX_DURATION_MS: Final = 10 * 366 * 86_400_000
"""Ten years: a longer duration is a mistake of units."""
MAX_COST_MINOR: Final = 10**12
FUTURE_TOLERANCE_MS: Final = 5 * 60_000
"""How far an event's time may lie after its reception before it counts as from the future."""
EARLIEST_TIME_MS: Final = 946_684_800_000
"""2000-01-01: an event older than this carries a broken clock or a unit mistake."""
LATEST_TIME_MS: Final = 4_102_444_799_999
"""The end of 2099: what claims to be received later is such a mistake, too. Calendars and zones end
with the year 9999, and no engine may come near it."""

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH, pattern=NAME_PATTERN)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH, pattern=TEXT_PATTERN)]
DurationMs = Annotated[int, msgspec.Meta(ge=0, le=MAX_DURATION_MS)]
CostMinor = Annotated[int, msgspec.Meta(ge=0, le=MAX_COST_MINOR)]
ScaleBound = Annotated[int, msgspec.Meta(ge=-1000, le=1000)]

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def parse_timestamp(text: str) -> datetime:
    """RFC 3339 text with a zone to an aware datetime; raises ``msgspec.ValidationError``."""
    return msgspec.convert(text, Timestamp)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00:00Z, rounded down."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
