"""Stream time: the instant at which windows end.

While the stream is live it is the wall clock, so that windows move though nothing happens. In a
replay it follows the events: the slowest source decides, so that no window is judged before all of
its panes are there. It never goes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LIVE_MS: Final = 15 * 60_000
"""A stream whose greatest watermark is no older than this is live."""
QUIET_MS: Final = 5_000
"""When all sources have caught up and said nothing for so long, by the wall clock, a replay has
paused or ended."""
SILENT_MS: Final = 15_000
"""A source that has caught up and is silent for so long holds up nobody, while others go on."""
PATIENCE_MS: Final = 5_000
"""How long to wait, in a replay, for sources that were never heard of."""


def partition_time(stream_ms: int, watermark_ms: int, now_ms: int, *, caught_up: bool) -> int:
    """How far time has come in one input partition, whose time had come to ``stream_ms``.

    It is the watermark, and the wall clock ``now_ms`` while the stream is live and nothing waits
    to be read. Once it follows the clock it goes on, however quiet the stream: a deadline passes
    at night too.
    """
    reached = max(stream_ms, watermark_ms)
    if caught_up and reached and now_ms - reached <= LIVE_MS:
        return max(reached, now_ms)
    return reached


@dataclass(slots=True)
class _Source:
    watermark_ms: int
    caught_up: bool
    moved_at_ms: int


class StreamClock:
    """The stream time of one partition of panes, told by watermarks of ``expected`` sources.

    ``now_ms`` is always the wall clock in ms, passed in.
    """

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._sources: dict[int, _Source] = {}
        self._first_heard_ms: int | None = None
        self.stream_ms = 0
        self.live = False
        self.settled = False

    def observe(self, source: int, watermark_ms: int, caught_up: bool, now_ms: int) -> None:
        """A source says how far it has come."""
        if self._first_heard_ms is None:
            self._first_heard_ms = now_ms
        known = self._sources.get(source)
        if known is None:
            self._sources[source] = _Source(watermark_ms, caught_up, now_ms)
            return
        known.caught_up = caught_up
        if watermark_ms > known.watermark_ms:
            known.watermark_ms = watermark_ms
            known.moved_at_ms = now_ms

    @property
    def watermark_ms(self) -> int:
        """The greatest watermark; 0 before any source was heard of."""
        return max((source.watermark_ms for source in self._sources.values()), default=0)

    def advance(self, now_ms: int) -> int | None:
        """Stream time now; None while it cannot be told yet.

        Afterwards ``live`` tells whether it follows the wall clock, ``settled`` whether all that
        is known lies behind it.
        """
        if not self.watermark_ms:
            return None
        self.live = now_ms - self.watermark_ms <= LIVE_MS
        if self.live:
            self._move_to(now_ms, settled=True)
        elif self._all_heard(now_ms):
            behind = self._behind(now_ms)
            self._move_to(min(behind, default=self.watermark_ms), settled=not behind)
        return self.stream_ms or None

    def _move_to(self, time_ms: int, *, settled: bool) -> None:
        self.stream_ms = max(self.stream_ms, time_ms)
        self.settled = settled

    def _all_heard(self, now_ms: int) -> bool:
        first = self._first_heard_ms
        waited = 0 if first is None else now_ms - first
        return len(self._sources) >= self._expected or waited >= PATIENCE_MS

    def _behind(self, now_ms: int) -> list[int]:
        """Watermarks of the sources that more may come from soon."""
        patience = QUIET_MS if self._all_quiet(now_ms) else SILENT_MS
        return [
            source.watermark_ms
            for source in self._sources.values()
            if not source.caught_up or now_ms - source.moved_at_ms < patience
        ]

    def _all_quiet(self, now_ms: int) -> bool:
        return all(
            source.caught_up and now_ms - source.moved_at_ms >= QUIET_MS
            for source in self._sources.values()
        )
