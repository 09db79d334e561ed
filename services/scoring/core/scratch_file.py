"""What the engine is told of the file in which tickets and panes rest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScratchFile:
    """The path of a file for tickets and panes that nothing happened to for a while, and how many
    bytes of tickets stay in memory."""

    path: str
    tickets_in_memory: int
