"""The file of what could not be used, with the reason of each: CSV, or JSON Lines by its name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from deploy.replay.rows import Reject

FIELDS = ("row", "line", "event", "reason", "record")


class RejectFile:
    """Written as it comes; the file is only made when there is something to write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._stream: TextIO | None = None
        self._write: Callable[[dict[str, object]], object] = lambda record: None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def add(self, reject: Reject) -> None:
        """Write one."""
        if self._stream is None:
            self._open()
        self.count += 1
        self._write(
            {
                "row": reject.row,
                "line": reject.line,
                "event": reject.event,
                "reason": reject.reason,
                "record": list(reject.record),
            }
        )

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stream = self._stream = self.path.open("w", encoding="utf-8", newline="")
        if self.path.suffix in {".jsonl", ".ndjson", ".json"}:
            self._write = lambda record: stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            return
        table = csv.DictWriter(stream, FIELDS)
        table.writeheader()
        self._write = lambda record: table.writerow(
            {**record, "record": json.dumps(record["record"], ensure_ascii=False)}
        )
