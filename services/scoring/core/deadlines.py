"""Timers: which tickets have something that falls due, the earliest first.

A heap of instants with tickets. What a ticket's life says is the truth (`Life.next_due_ms`); an
entry that it has left behind is recognised when it is taken, and a ticket has at most one entry
that holds. An entry is one integer, the instant and the place of the ticket's id: half the memory
of a tuple.
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
_PLACE_BITS: Final = 32
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1


class Deadlines:
    """Due instants in ms of tickets by id."""

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._ids: list[str] = []

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_ms(self) -> int:
        """When the first entry falls due, at the earliest; NEVER without one."""
        return self._heap[0] >> _PLACE_BITS if self._heap else NEVER

    def schedule(self, ticket: str, due_ms: int) -> None:
        """A ticket's next instant has changed to ``due_ms``."""
        if due_ms < NEVER:
            heapq.heappush(self._heap, self._entry(due_ms, ticket))

    def is_due(self, until_ms: int, packed: Mapping[str, bytes]) -> bool:
        """Whether anything falls due before ``until_ms`` with the tickets at rest by their ids;
        entries that were left behind are let go."""
        while self.next_ms < until_ms:
            ticket = packed.get(self._ids[self._heap[0] & _PLACE_MASK])
            if ticket is not None and tickets.next_due_ms(ticket) < until_ms:
                return True
            heapq.heappop(self._heap)
        return False

    def _entry(self, due_ms: int, ticket: str) -> int:
        self._ids.append(ticket)
        return due_ms << _PLACE_BITS | len(self._ids) - 1

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
            entry = heapq.heappop(self._heap)
            last = entry >> _PLACE_BITS
            yield self._ids[entry & _PLACE_MASK]

    def shrink(self, packed: Mapping[str, bytes]) -> None:
        """Begin anew when most entries must have been left behind."""
        if len(self._ids) > 4 * len(packed) + _SLACK:
            self.rebuild(packed)

    def rebuild(self, packed: Mapping[str, bytes]) -> None:
        """Begin anew with the next instant of each ticket, at rest by its id."""
        self._ids = []
        due = ((tickets.next_due_ms(ticket), name) for name, ticket in packed.items())
        self._heap = [self._entry(due_ms, name) for due_ms, name in due if due_ms < NEVER]
        heapq.heapify(self._heap)
