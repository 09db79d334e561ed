"""What of the log of panes is still needed to rebuild the windows: a pure decision.

Every source sends all of its cells in turn, round after round (`shared.contracts.panes`). When
round c+1 begins, round c is complete, and nothing before the beginning of round c is needed. A
round whose successor never comes was interrupted and counts for nothing.
"""

from __future__ import annotations


class CycleTracker:
    """Rounds of the sources in one partition of panes, and where in the log they began."""

    def __init__(self) -> None:
        self._begun: dict[int, tuple[int, int]] = {}
        self._needed: dict[int, int] = {}
        self._marks: dict[int, int] = {}

    def observe_watermark(self, source: int, offset: int) -> None:
        """The latest watermark of a source lies at ``offset``."""
        self._marks[source] = offset

    def observe(self, source: int, cycle: int, offset: int) -> None:
        """A record of round ``cycle`` lies at ``offset``; offsets ascend."""
        self._needed.setdefault(source, offset)
        known = self._begun.get(source)
        if known is not None and known[0] == cycle:
            return
        if known is not None and known[0] + 1 == cycle:
            self._needed[source] = known[1]
        self._begun[source] = (cycle, offset)

    @property
    def needed_from(self) -> int:
        """Records before this offset are superfluous; 0 while that is not known. Of a source that
        has no cells here only its latest watermark is needed."""
        return min({**self._marks, **self._needed}.values(), default=0)
