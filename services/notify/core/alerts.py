"""Alerts: what notify makes of a breach, and how a user sees them."""

from __future__ import annotations

import hashlib
from datetime import datetime, tzinfo
from typing import Final, Literal

import msgspec

from services.notify.core import texts
from services.notify.core.texts import Bilingual, Facts

State = Literal["open", "acknowledged", "resolved"]
Transition = Literal["opened", "acknowledged", "resolved"]

_NAMESPACE: Final = "bellwether.notify.v1"


class Alert(msgspec.Struct, kw_only=True, frozen=True):
    """One alert as it stands. Instants ending in ``_ms`` are stream time, those in ``_at`` are by
    the clock of notify. ``value`` and ``n`` are those of the breach, ``cleared_value`` and
    ``cleared_n`` those of its end."""

    id: str
    breach_id: str
    state: State
    severity: str
    target: str
    indicator: str
    measure: str
    comparison: str
    limit: float
    within_ms: int | None
    scope: str
    window: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    rule_version: str
    started_ms: int
    at_ms: int
    received_ms: int
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledge_note: str | None = None
    resolved_at: datetime | None = None
    cleared_ms: int | None = None
    cleared_value: float | None = None
    cleared_n: int | None = None
    first_attempt_at: datetime | None = None


class AlertView(Alert, kw_only=True, frozen=True):
    """An alert with its texts: the JSON that lists, streams and webhooks carry."""

    title: Bilingual
    text: Bilingual


class Payload(msgspec.Struct, kw_only=True, frozen=True):
    """The body of a webhook, as Standard Webhooks lays it out."""

    type: str
    timestamp: datetime
    data: dict[str, AlertView]


def alert_id(breach_id: str) -> str:
    """One alert per breach: its id follows from the breach's."""
    digits = _digits("alert", breach_id)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def message_id(alert: str, transition: Transition, endpoint: str) -> str:
    """The webhook-id: the same for every attempt, so that a receiver can tell a repetition."""
    return f"msg_{_digits('message', alert, transition, endpoint)}"


def _digits(*names: str) -> str:
    """The 32 digits of a UUID (RFC 9562, version 8) that follows from the names."""
    digest = hashlib.sha256("\0".join((_NAMESPACE, *names)).encode()).digest()
    number = int.from_bytes(digest[:16])
    number = number & ~(0xF << 76) | 0x8 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return f"{number:032x}"


def view(alert: Alert, zone: tzinfo) -> AlertView:
    """The alert with its texts; instants in them are in ``zone``."""
    fields = {name: getattr(alert, name) for name in Alert.__struct_fields__}
    facts = _facts(alert)
    return AlertView(**fields, title=texts.title(facts), text=texts.text(facts, zone))


def encode_view(seen: AlertView) -> bytes:
    """JSON of one alert."""
    return msgspec.json.encode(seen)


def payload(seen: AlertView, transition: Transition, at: datetime) -> bytes:
    """The body of the webhook that tells of a transition."""
    return msgspec.json.encode(
        Payload(type=f"alert.{transition}", timestamp=at, data={"alert": seen})
    )


def _facts(alert: Alert) -> Facts:
    return Facts(
        state=alert.state,
        critical=alert.severity == "critical",
        target=alert.target,
        indicator=alert.indicator,
        measure=alert.measure,
        at_least=alert.comparison == "at_least",
        limit=alert.limit,
        within_ms=alert.within_ms,
        scope=alert.scope,
        window=alert.window,
        value=alert.cleared_value if alert.state == "resolved" else alert.value,
        low=None if alert.state == "resolved" else alert.low,
        high=None if alert.state == "resolved" else alert.high,
        n=alert.cleared_n or 0 if alert.state == "resolved" else alert.n,
        rule_version=alert.rule_version,
        started_ms=alert.started_ms,
        cleared_ms=alert.cleared_ms,
        acknowledged_by=alert.acknowledged_by,
    )
