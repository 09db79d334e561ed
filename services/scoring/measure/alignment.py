"""Lets the records of co-partitioned topics through in the order in which the broker took them.

A consumer that has to catch up is handed one topic far ahead of another. The engine's figures do
not depend on it, but a reply that is read before its ticket's opening makes the engine replay the
ticket, which costs several times what living through it in order does. So a record waits until
every topic that has more to come was read as far as itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

PATIENCE_SECONDS: Final = 0.5
"""How long a topic that has more to come, but from which nothing comes, holds up the others."""

_timestamp = attrgetter("timestamp")


class Alignment:
    """The records of one partition that were read and not yet let through.

    Topics are places in the registry; time is passed in, in seconds of a monotonic clock. Records
    have a ``timestamp`` in ms, which need not ascend: it decides when they are let through, never
    whether. They are looked at a batch at a time: a topic was read as far as the last record of a
    batch says, and where a batch has to be divided, it is as if its timestamps ascended.
    """

    def __init__(self, topics: int, patience: float = PATIENCE_SECONDS) -> None:
        self._waiting: list[Sequence[Any]] = [()] * topics
        self._greatest = [-1] * topics
        self._patience = patience
        self._held_since: float | None = None

    def add(self, topic: int, records: Sequence[Any]) -> None:
        """Take records of a topic, in offset order."""
        if not records:
            return
        waiting = self._waiting[topic]
        self._waiting[topic] = [*waiting, *records] if waiting else records
        self._greatest[topic] = max(self._greatest[topic], records[-1].timestamp)

    @property
    def holds(self) -> bool:
        """Whether any record waits."""
        return any(self._waiting)

    def wanted(self) -> Iterator[int]:
        """The topics to read from next: those that may hold up the others."""
        for topic, waiting in enumerate(self._waiting):
            if not waiting:
                yield topic

    def take(self, more: Sequence[bool], now: float) -> Iterator[tuple[int, Sequence[Any]]]:
        """What may go on, by topic; ``more`` tells which topics have unread records at the
        broker."""
        frontier = self._frontier(more, now)
        for topic, waiting in enumerate(self._waiting):
            if frontier is None or self._greatest[topic] <= frontier:
                place = len(waiting)
            else:
                place = bisect_right(waiting, frontier, key=_timestamp)
            if place:
                self._waiting[topic] = waiting[place:]
                yield topic, waiting[:place]

    def _frontier(self, more: Sequence[bool], now: float) -> int | None:
        """How far every topic was read, in ms; None when nothing needs to wait."""
        behind = [topic for topic, has_more in enumerate(more) if has_more]
        silent = [topic for topic in behind if not self._waiting[topic]]
        if not silent or not any(self._waiting):
            self._held_since = None
        elif self._held_since is None:
            self._held_since = now
        elif now - self._held_since >= self._patience:
            behind = [topic for topic in behind if topic not in silent]
        return min((self._read_until(topic) for topic in behind), default=None)

    def _read_until(self, topic: int) -> int:
        return self._greatest[topic] if self._waiting[topic] else -1
