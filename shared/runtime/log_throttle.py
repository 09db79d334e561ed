"""Keeps a library from filling the log: while a broker is away, its client says so 40 times a
second. One record of each kind passes in `interval` seconds, with how many were left out."""

import logging
import time
from collections.abc import Callable, Iterable


class LogThrottle(logging.Filter):
    """For a handler. A kind is a logger and the text of its message before formatting; `libraries`
    are the first parts of the names of the loggers that are throttled."""

    def __init__(
        self,
        libraries: Iterable[str],
        interval: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._libraries = frozenset(libraries)
        self._interval = interval
        self._clock = clock
        self._passed_at: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in self._libraries:
            return True
        kind = record.name, str(record.msg)
        now = self._clock()
        if now - self._passed_at.get(kind, float("-inf")) < self._interval:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._passed_at[kind] = now
        if left_out := self._left_out.pop(kind, 0):
            record.msg = f"{record.msg} (and {left_out} more like it)"
        return True
