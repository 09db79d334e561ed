"""What the engine is told of the file in which tickets rest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TicketFile:
    """The path of a file for tickets that nothing happened to for a while, and how many bytes of
    tickets stay in memory."""

    path: str
    most_in_memory: int
