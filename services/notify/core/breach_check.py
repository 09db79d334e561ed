"""What a breach must be before an alert is made of it."""

from __future__ import annotations

from typing import Final

from shared.contracts.breaches import Breach

_LATEST_MS: Final = 253_402_214_400_000  # 9999-12-31: later instants have no calendar date


class UnusableBreach(ValueError):
    """The record can be no alert; the message says why."""


def check_breach(breach: Breach) -> None:
    """Raise `UnusableBreach` for instants without a date and texts that Postgres refuses."""
    for instant in (breach.started_ms, breach.at_ms, breach.received_ms):
        if not 0 <= instant <= _LATEST_MS:
            raise UnusableBreach(f"an instant of {instant} ms is no date")
    texts = (breach.id, breach.target, breach.indicator, breach.measure, breach.scope)
    if "\0" in "".join((*texts, breach.rule_version)):
        raise UnusableBreach("a text contains the NUL character")
    if not breach.id:
        raise UnusableBreach("the id is empty")
