"""Timers: which tickets have something that falls due, the earliest first.

A heap of (due, ticket). What a ticket's life says is the truth (`Life.next_due_ms`); an entry that
it has left behind is recognised when it is taken, and a ticket has at most one entry that holds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Final

from services.scoring.core import tickets
from services.scoring.core.promises import NEVER

MOST_A_FLUSH: Final = 20_000
"""After a long standstill very many deadlines have passed: they are settled in turns."""
_SLACK: Final = 10_000


class Deadlines:
    """Due instants in ms of tickets by id."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_ms(self) -> int:
        """When the first entry falls due, at the earliest; NEVER without one."""
        return self._heap[0][0] if self._heap else NEVER

    def schedule(self, ticket: str, due_ms: int) -> None:
        """A ticket's next instant has changed to ``due_ms``."""
        if due_ms < NEVER:
            heapq.heappush(self._heap, (due_ms, ticket))

    def is_due(self, until_ms: int, packed: Mapping[str, bytes]) -> bool:
        """Whether anything falls due before ``until_ms`` with the tickets at rest by their ids;
        entries that were left behind are let go."""
        while self.next_ms < until_ms:
            ticket = packed.get(self._heap[0][1])
            if ticket is not None and tickets.next_due_ms(ticket) < until_ms:
                return True
            heapq.heappop(self._heap)
        return False

    def take(self, until_ms: int, most: int = MOST_A_FLUSH) -> tuple[list[str], int]:
        """Tickets with an entry before ``until_ms``, earliest first and each once, and the instant
        before which nothing else is due: ``until_ms``, or less when there are more than ``most``
        entries. Entries of one instant are taken together."""
        taken = dict.fromkeys(self._before(until_ms, most))
        return list(taken), min(until_ms, self.next_ms)

    def _before(self, until_ms: int, most: int) -> Iterator[str]:
        last = NEVER
        while self.next_ms < until_ms and (most > 0 or self.next_ms == last):
            most -= 1
            last, ticket = heapq.heappop(self._heap)
            yield ticket

    def shrink(self, packed: Mapping[str, bytes]) -> None:
        """Begin anew when most entries must have been left behind."""
        if len(self._heap) > 4 * len(packed) + _SLACK:
            self.rebuild(packed)

    def rebuild(self, packed: Mapping[str, bytes]) -> None:
        """Begin anew with the next instant of each ticket, at rest by its id."""
        entries = ((tickets.next_due_ms(ticket), name) for name, ticket in packed.items())
        self._heap = [entry for entry in entries if entry[0] < NEVER]
        heapq.heapify(self._heap)
