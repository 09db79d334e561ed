"""Remembers how far a replay came, so that the next run goes on from there."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

FORMAT = 1


@dataclass(frozen=True)
class ReplayKey:
    """What a resume point holds for: any difference makes another replay."""

    file_digest: str
    mapping_digest: str
    zone: str
    url: str
    shuffle_ms: int
    seed: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(msgspec.json.encode(asdict(self))).hexdigest()[:24]


@dataclass(frozen=True)
class Progress:
    """``delivered`` of ``total`` events are stored by ingest or refused for good."""

    delivered: int
    total: int
    format: int = FORMAT

    @property
    def finished(self) -> bool:
        return self.delivered >= self.total


class ResumePoint:
    """The state file of one replay."""

    def __init__(self, directory: Path, key: ReplayKey) -> None:
        self.file = directory / f"{key.digest}.json"

    def load(self) -> Progress | None:
        """How far an earlier run came; None if there was none, or its note cannot be used."""
        try:
            progress = msgspec.json.decode(self.file.read_bytes(), type=Progress)
        except (FileNotFoundError, msgspec.DecodeError):
            return None  # a note that is gone or damaged only means to begin again: ids repeat
        return progress if progress.format == FORMAT else None

    def save(self, progress: Progress) -> None:
        """Replace the note in one step."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_suffix(f".{os.getpid()}.tmp")
        draft.write_bytes(msgspec.json.encode(progress))
        draft.replace(self.file)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
