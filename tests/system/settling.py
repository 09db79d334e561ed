"""Waiting until a system has worked through what it was sent, however often it was hurt."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.scoring.core.changelog import decode_changelog
from shared.contracts.topics import INPUTS, MEASURE_CHANGELOG
from tests.system import totals
from tests.system.records import end_offsets, last_committed_records

POLL_SECONDS = 1.0
FLUSH_RECORDS = 400
"""Offsets that one flush at most takes in the changelog, with room to spare."""


class NotSettledError(AssertionError):
    """The system did not come to rest in time; says what is still open."""


def until(description: str, done: Callable[[], object], seconds: float) -> None:
    """Wait until ``done`` returns nothing that is open (a falsy value)."""
    deadline = time.monotonic() + seconds
    while still := done():
        if time.monotonic() > deadline:
            raise NotSettledError(f"{description} is still open: {still}")
        time.sleep(POLL_SECONDS)


def unmeasured(bootstrap: str) -> dict[tuple[str, int], tuple[int, int]]:
    """Input partitions whose position in the stored state is before their end: (position, end)."""
    ends = end_offsets(bootstrap, list(INPUTS))
    stored = {
        partition: decode_changelog(value).positions
        for partition, value in last_committed_records(
            bootstrap, MEASURE_CHANGELOG, FLUSH_RECORDS
        ).items()
    }
    places = {topic.name: place for place, topic in enumerate(INPUTS)}
    open_: dict[tuple[str, int], tuple[int, int]] = {}
    for (topic, partition), end in ends.items():
        position = stored[partition][places[topic]] if partition in stored else 0
        if position < end:
            open_[topic, partition] = (position, end)
    return open_


def sent(bootstrap: str) -> int:
    """Events that the input topics hold."""
    return sum(end_offsets(bootstrap, list(INPUTS)).values())


def settle(bootstrap: str, dsn: str, seconds: float = 120.0) -> totals.Totals:
    """Wait until every event is measured and every measurement recorded; the recorded totals."""
    until("measuring", lambda: unmeasured(bootstrap), seconds)
    wanted = totals.measured(bootstrap)
    until("recording", lambda: _unrecorded(dsn, wanted), seconds)
    return wanted


def _unrecorded(dsn: str, wanted: totals.Totals) -> str:
    found = totals.recorded(dsn)
    missing = {key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)}
    return f"{len(missing)} of {len(wanted)} totals, such as {min(missing)}" if missing else ""
