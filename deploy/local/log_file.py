"""A process's log on disk, bounded: one file and the one before it."""

import threading
from pathlib import Path

_LARGEST = 20 << 20


class LogFile:
    """Appends lines to `path`; beyond `largest` bytes the file becomes `path`.1."""

    def __init__(self, path: Path, largest: int = _LARGEST) -> None:
        self.path = path
        self._largest = largest
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._out = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        with self._lock:
            if self._out.tell() + len(line) > self._largest:
                self._rotate()
            self._out.write(line)

    def tail(self, lines: int) -> list[str]:
        """Return the last lines, decoded, oldest first."""
        with self.path.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - 64 * 1024))
            return log.read().decode("utf-8", "replace").splitlines()[-lines:]

    def close(self) -> None:
        self._out.close()

    def _rotate(self) -> None:
        self._out.close()
        self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._out = self.path.open("ab", buffering=0)
