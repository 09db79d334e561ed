"""What can go wrong before a row is read.

ReplayError
├── MappingError   the mapping cannot be used: every problem with its line and key
└── FileError      the log cannot be read, or is not the file that the mapping describes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class ReplayError(Exception):
    """The replay cannot start; the message says what to change."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a mapping: where it is, and what to do about it."""

    file: Path
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


class MappingError(ReplayError):
    """All problems of a mapping, in the order of its lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.key)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FileError(ReplayError):
    """The log cannot be read as the mapping says."""
