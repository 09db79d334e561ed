"""What ingest's answer to a batch means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

RETRYABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_WAIT_S: Final = 60.0


@dataclass(frozen=True)
class Refusal:
    """An event that ingest will never take: its place in what was sent, and why."""

    index: int
    reason: str


@dataclass(frozen=True)
class Stored:
    """The answer says what became of each event: those of ``retry`` are to be sent again, after
    ``wait_s`` seconds if ingest named a time. All others are stored or refused."""

    refusals: tuple[Refusal, ...] = ()
    retry: tuple[int, ...] = ()
    wait_s: float | None = None


@dataclass(frozen=True)
class Busy:
    """Nothing is known to be stored: send everything again."""

    reason: str
    wait_s: float | None = None


@dataclass(frozen=True)
class TooLarge:
    """The batch is over ingest's limit: send it in parts."""


@dataclass(frozen=True)
class Denied:
    """No retry will help: the key, the address or this client is wrong."""

    reason: str


Answer = Stored | Busy | TooLarge | Denied


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes, count: int, now_s: float
) -> Answer:
    """Judge the answer to a batch of ``count`` events; ``now_s`` is the time since 1970."""
    wait_s = _retry_after(headers.get("retry-after"), now_s)
    document = _document(body)
    stored = _stored(document, count, wait_s)
    if stored is not None and status in {202, 422, 503}:
        return stored
    if status == 413:
        return TooLarge()
    if status in RETRYABLE:
        return Busy(f"HTTP {status}{_detail(document)}", wait_s)
    if status == 401:
        return Denied("ingest does not know this API key: name the right one with --key-file")
    return Denied(f"ingest answered HTTP {status}{_detail(document)}")


def _stored(document: Any, count: int, wait_s: float | None) -> Stored | None:
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list) or len(items) != count:
        return None
    refusals = tuple(
        Refusal(place, _reason(item))
        for place, item in enumerate(items)
        if item.get("status") == "rejected"
    )
    retry = tuple(place for place, item in enumerate(items) if item.get("status") == "retry")
    return Stored(refusals, retry, wait_s)


def _reason(item: Mapping[str, Any]) -> str:
    found = [f"{fault['pointer']} {fault['detail']}".strip() for fault in item.get("errors", [])]
    return "; ".join(found) or "refused without a reason"


def _document(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # a proxy's page of HTML, for one: the status alone has to do


def _detail(document: Any) -> str:
    detail = document.get("detail") if isinstance(document, dict) else None
    return f": {detail}" if isinstance(detail, str) else ""


def _retry_after(value: str | None, now_s: float) -> float | None:
    """Seconds to wait, from seconds or an HTTP date; None where the header helps nobody."""
    if value is None:
        return None
    try:
        seconds = (
            float(value) if value.isdigit() else parsedate_to_datetime(value).timestamp() - now_s
        )
    except ValueError:
        return None
    return min(MAX_WAIT_S, max(0.0, seconds))
