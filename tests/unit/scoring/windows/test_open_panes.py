"""Until a source seals a quarter-hour or a day, it is the sum of what lies in it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.scoring.core.pane_parts import Part
from services.scoring.core.window_spans import PLACE
from services.scoring.core.windows import PaneWindows
from shared.contracts.figures import WindowName
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import DAY, MINUTE, QUARTER, Cell, Cells
from shared.contracts.scopes import Scope
from tests.unit.scoring.windows.pane_stream import HOUR_MS, MINUTE_MS, QUARTER_MS

ZONE = ZoneInfo("Asia/Kolkata")
MIDNIGHT = int(datetime(2026, 3, 27, tzinfo=ZONE).timestamp() * 1000)
NOON = MIDNIGHT + 12 * HOUR_MS
INDICATOR = INDICATOR_IDS.index("first_response_time")
EVERY_WINDOW = 0b111111


def cell(level: int, start_ms: int, n: int) -> Cell:
    return Cell(("d", "", ""), level, start_ms, INDICATOR, n, 10 * n, n, ((4, n),))


def part(sealed_ms: int, *cells: Cell, source: int = 0) -> Part:
    return Part(source, sealed_ms, Cells.of(cells))


def n_of(windows: PaneWindows, window: WindowName) -> int:
    """How many cases are in a window, whose sums agree with one another."""
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    summary = windows.summary(PLACE[window], scope_id, INDICATOR)
    if summary is None:
        return 0
    expected = (10 * summary.n, summary.n, {4: summary.n})
    assert (summary.total, summary.good, summary.sketch) == expected
    return summary.n


@pytest.fixture
def windows() -> PaneWindows:
    windows = PaneWindows(ZONE)
    windows.advance(NOON)
    return windows


def test_what_happens_in_a_minute_is_in_all_windows_at_once(windows: PaneWindows) -> None:
    windows.take_changed()
    windows.apply([part(NOON, cell(MINUTE, NOON, 2)), part(NOON, cell(MINUTE, NOON, 3))])
    assert [n_of(windows, window) for window in PLACE] == [3] * 6
    assert windows.take_changed().tolist() == [EVERY_WINDOW]


def test_a_minute_that_only_longer_windows_hold_changes_these(windows: PaneWindows) -> None:
    windows.take_changed()
    earlier = NOON - 75 * MINUTE_MS
    last_parts = windows.apply([part(earlier, cell(MINUTE, earlier, 2))])
    assert windows.take_changed().tolist() == [0b111000]
    assert last_parts.tolist() == [0]


def test_a_source_that_lags_far_behind_counts_at_once(windows: PaneWindows) -> None:
    windows.advance(NOON + 6 * HOUR_MS)
    before = windows.cells
    for n in (2, 3):
        windows.apply([part(NOON, cell(MINUTE, NOON + MINUTE_MS, n))])
        assert [n_of(windows, window) for window in PLACE] == [0, 0, 0, n, n, n]
        windows.advance(NOON + (6 * 60 + n) * MINUTE_MS)
    assert windows.cells == before + 3
    windows.apply([part(NOON + QUARTER_MS, cell(QUARTER, NOON, 4))])
    assert [n_of(windows, window) for window in PLACE] == [0, 0, 0, 4, 4, 4]
    windows.advance(NOON + 7 * HOUR_MS)
    assert windows.cells == before + 2


def test_what_is_said_of_an_open_pane_is_passed_over(windows: PaneWindows) -> None:
    said = cell(QUARTER, NOON, 50), cell(DAY, MIDNIGHT, 60)
    windows.apply([part(NOON, cell(MINUTE, NOON, 2), *said)])
    assert (n_of(windows, "24h"), n_of(windows, "30d")) == (2, 2)


def test_a_seal_replaces_the_sums(windows: PaneWindows) -> None:
    windows.apply([part(NOON, cell(MINUTE, NOON, 2))])
    windows.apply([part(NOON + QUARTER_MS, cell(QUARTER, NOON, 5))])
    assert (n_of(windows, "1h"), n_of(windows, "24h"), n_of(windows, "30d")) == (2, 5, 5)
    next_midnight = MIDNIGHT + 24 * HOUR_MS
    windows.apply([part(next_midnight, cell(DAY, MIDNIGHT, 7))])
    assert (n_of(windows, "24h"), n_of(windows, "30d")) == (5, 7)


def test_a_change_just_before_the_seal_is_not_counted_on_top_of_it(windows: PaneWindows) -> None:
    windows.apply([part(NOON, cell(MINUTE, NOON, 2))])
    sealed_ms = NOON + QUARTER_MS
    windows.apply([part(NOON, cell(MINUTE, NOON, 3)), part(sealed_ms)])
    windows.apply([part(sealed_ms, cell(QUARTER, NOON, 3))])
    assert (n_of(windows, "24h"), n_of(windows, "30d")) == (3, 3)


def test_sources_seal_for_themselves(windows: PaneWindows) -> None:
    sealed_ms = NOON + QUARTER_MS
    windows.apply([part(sealed_ms, cell(MINUTE, NOON, 2), cell(QUARTER, NOON, 2))])
    windows.apply([part(NOON, cell(MINUTE, NOON, 3), source=1)])
    assert (n_of(windows, "1h"), n_of(windows, "24h"), n_of(windows, "30d")) == (5, 5, 5)


def test_a_seal_that_falls_opens_nothing(windows: PaneWindows) -> None:
    most = 2**37 - 1
    said = [cell(MINUTE, NOON + n * MINUTE_MS, 1)._replace(sketch=((4, most),)) for n in range(15)]
    taken_back = [one._replace(n=0, total=0, good=0, sketch=((4, -most),)) for one in said]
    for _ in range(200):
        windows.apply([part(NOON, *said)])
        windows.apply([part(NOON + QUARTER_MS, *taken_back)])
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    counts = [windows.summary(PLACE[name], scope_id, INDICATOR) for name in ("1h", "24h", "30d")]
    assert [one and one.sketch for one in counts] == [
        {4: -most},
        {4: 15 * most},
        {4: 15 * most},
    ]
    windows.apply([part(NOON + QUARTER_MS, cell(QUARTER, NOON, 4))])
    assert n_of(windows, "24h") == n_of(windows, "30d") == 4


def test_an_old_record_says_nothing_of_what_was_open_then(windows: PaneWindows) -> None:
    windows.apply([part(NOON + QUARTER_MS, cell(QUARTER, NOON, 4))])
    windows.apply([part(NOON, cell(QUARTER, NOON, 50))])
    assert n_of(windows, "24h") == 4


def test_no_pane_is_derived_that_no_window_can_hold(windows: PaneWindows) -> None:
    windows.advance(NOON + 40 * 24 * HOUR_MS)
    windows.apply([part(NOON, cell(QUARTER, NOON - QUARTER_MS, 2))])
    assert windows.cells == 0
