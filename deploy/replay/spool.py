"""Sorts more than memory holds: rows into cases, then events into the order of their times.

A temporary SQLite file does it, so the only limit is the disk: about twice the size of the log,
unpacked, for the time of the replay.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from deploy.replay.engine import PlannedEvent
from deploy.replay.rows import Row
from deploy.replay.values import Cell

_PACKER: Final = msgspec.msgpack.Encoder()
_UNPACKER: Final = msgspec.msgpack.Decoder()
CHUNK: Final = 2000


class Spool:
    """A context manager around the temporary file; ``case`` and ``order`` name columns."""

    def __init__(self, file: Path, case: tuple[str, ...], order: list[str]) -> None:
        self._file = file
        self._case = case
        self._order = order

    def __enter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.unlink(missing_ok=True)
        self._db = sqlite3.connect(self._file, isolation_level=None)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY"):
            self._db.execute(f"PRAGMA {setting}")
        keys = "".join(f", k{place}" for place in range(len(self._order)))
        self._db.execute(f"CREATE TABLE rows (kase TEXT, line INT, row INT, cells BLOB{keys})")
        self._db.execute(
            "CREATE TABLE events"
            " (send_at INT, at INT, type TEXT, line INT, row INT, body BLOB,"
            " seq INTEGER PRIMARY KEY)"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._file.unlink(missing_ok=True)

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Store rows in any order."""
        marks = ",".join("?" * (4 + len(self._order)))
        self._db.execute("BEGIN")
        self._db.executemany(
            f"INSERT INTO rows VALUES ({marks})",  # noqa: S608 - only question marks go in
            (self._packed(row) for row in rows),
        )
        self._db.execute("COMMIT")

    def cases(self) -> Iterator[list[Row]]:
        """The rows of each case, in their order; rows that tie keep the order of the file."""
        keys = "".join(f" k{place}," for place in range(len(self._order)))
        found = self._db.execute(
            f"SELECT kase, line, row, cells FROM rows ORDER BY kase,{keys} row"  # noqa: S608 - numbered names only
        )
        for _, rows in groupby(found, key=lambda row: row[0]):
            yield [Row(line, number, _UNPACKER.decode(cells)) for _, line, number, cells in rows]

    def add_events(self, events: Iterable[tuple[int, PlannedEvent]]) -> None:
        """Store events, each with the time that decides its turn."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO events (send_at, at, type, line, row, body) VALUES (?,?,?,?,?,?)",
            ((turn, e.at, e.type, e.line, e.row, e.body) for turn, e in events),
        )
        self._db.execute("COMMIT")

    def forget_rows(self) -> None:
        """The rows have become events."""
        self._db.execute("DROP TABLE rows")
        self._db.execute("CREATE INDEX turns ON events (send_at, seq)")

    def count(self) -> int:
        """How many events there are."""
        return int(self._db.execute("SELECT count(*) FROM events").fetchone()[0])

    def events(self, skip: int) -> Iterator[tuple[int, PlannedEvent]]:
        """Each event with its turn, by turn; events that tie keep the order they came in. The
        first ``skip`` are passed over."""
        found: Iterator[Any] = self._db.execute(
            "SELECT send_at, at, type, line, row, body FROM events"
            " ORDER BY send_at, seq LIMIT -1 OFFSET ?",
            (skip,),
        )
        for turn, at, kind, line, row, body in found:
            yield turn, PlannedEvent(at, kind, line, row, body)

    def _packed(self, row: Row) -> tuple[object, ...]:
        case = "\x1f".join(str(row.cells[name]) for name in self._case)
        keys: list[Cell] = [row.cells[name] for name in self._order]
        return (case, row.line, row.row, _PACKER.encode(row.cells), *keys)
