"""Which windows there are, and where they lie at an instant."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.contracts.figures import WindowName
from shared.contracts.panes import DAY, MINUTE, MINUTE_MS, QUARTER, QUARTER_MS


class WindowSpec(NamedTuple):
    """A window, the level of its panes, and its length in panes."""

    name: WindowName
    level: int
    panes: int


SPECS: Final = (
    WindowSpec("5m", MINUTE, 5),
    WindowSpec("15m", MINUTE, 15),
    WindowSpec("1h", MINUTE, 60),
    WindowSpec("24h", QUARTER, 96),
    WindowSpec("7d", QUARTER, 672),
    WindowSpec("30d", DAY, 30),
)
PLACE: Final[dict[WindowName, int]] = {spec.name: place for place, spec in enumerate(SPECS)}


class Span(NamedTuple):
    """``[start_ms, end_ms)``."""

    start_ms: int
    end_ms: int


def midnight(day: date, zone: ZoneInfo) -> int:
    """When a calendar day begins, in ms."""
    return int(datetime.combine(day, time(), zone).timestamp()) * 1000


def span_of(spec: WindowSpec, stream_ms: int, zone: ZoneInfo) -> Span:
    """The window at a stream time: it ends with the pane that holds the instant."""
    if spec.level == DAY:
        today = datetime.fromtimestamp(stream_ms // 1000, zone).date()
        first = today - timedelta(days=spec.panes - 1)
        return Span(midnight(first, zone), midnight(today + timedelta(days=1), zone))
    pane = MINUTE_MS if spec.level == MINUTE else QUARTER_MS
    end = stream_ms - stream_ms % pane + pane
    return Span(end - spec.panes * pane, end)


def pane_end(level: int, start_ms: int, zone: ZoneInfo) -> int:
    """When a pane ends that begins at an instant."""
    if level != DAY:
        return start_ms + (MINUTE_MS if level == MINUTE else QUARTER_MS)
    return _days_later(start_ms, 1, zone)


def leaves_at(spec: WindowSpec, start_ms: int, zone: ZoneInfo) -> int:
    """From when a pane lies no more in a window."""
    if spec.level == DAY:
        return _days_later(start_ms, spec.panes + 1, zone)
    pane = MINUTE_MS if spec.level == MINUTE else QUARTER_MS
    return start_ms + (spec.panes + 1) * pane


def _days_later(start_ms: int, days: int, zone: ZoneInfo) -> int:
    day = datetime.fromtimestamp(start_ms // 1000, zone).date()
    return midnight(day + timedelta(days=days), zone)
