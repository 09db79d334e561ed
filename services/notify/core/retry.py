"""What an attempt to deliver means for the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

JITTER: Final = 0.25
LONGEST_WISH_SECONDS: Final = 3600.0
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses double from ``base_seconds`` up to ``cap_seconds``; after ``max_attempts`` attempts
    the delivery is dead. 18 attempts from 2 s up to 4 h span about a day."""

    max_attempts: int = 18
    base_seconds: float = 2.0
    cap_seconds: float = 14_400.0

    def pause(self, attempts: int, chance: float) -> float:
        """Seconds to wait after ``attempts`` attempts; ``chance`` in [0, 1) spreads them."""
        doubled: float = self.base_seconds * 2 ** min(attempts - 1, 40)
        return min(self.cap_seconds, doubled) * (1 - JITTER + 2 * JITTER * chance)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt: the answer's ``status``, or None and an ``error``. ``retry_after`` is the
    receiver's wish in seconds."""

    status: int | None
    error: str | None = None
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after a pause."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dead:
    """No further attempt; ``endpoint_gone`` says that the endpoint wants nothing any more."""

    endpoint_gone: bool = False


Decision = Delivered | Retry | Dead


def decide(outcome: Outcome, attempts: int, policy: RetryPolicy, chance: float) -> Decision:
    """What follows from the outcome of attempt number ``attempts`` (the first is 1)."""
    if outcome.accepted:
        return Delivered()
    if outcome.status == _GONE:
        return Dead(endpoint_gone=True)
    if attempts >= policy.max_attempts:
        return Dead()
    wish = min(outcome.retry_after or 0.0, LONGEST_WISH_SECONDS)
    return Retry(max(policy.pause(attempts, chance), wish))


def retry_after_seconds(header: str | None) -> float | None:
    """The value of a Retry-After header in seconds; a date is not honoured."""
    if header is None or not header.strip().isdecimal():
        return None
    return min(float(header.strip()[:9]), LONGEST_WISH_SECONDS)
