"""Figures are written as the contract would encode them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.figures import Reading
from services.scoring.core.pane_parts import Part
from services.scoring.core.window_spans import PLACE
from services.scoring.core.windows import PaneWindows
from shared.contracts.figures import Figure, encode_figure
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import MINUTE_MS, TOTAL, Cell, Cells
from shared.contracts.scopes import Scope

NOW_MS = 1_760_000_400_000 // MINUTE_MS * MINUTE_MS
PLACES = st.integers(0, len(INDICATOR_IDS) - 1)
NUMBERS = st.integers(-3, 50) | st.integers(-(2**63), 2**63 - 1)
SKETCHES = st.dictionaries(st.integers(-1, 1_000), st.integers(1, 9) | st.integers(1, 2**36))


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    place, level = draw(PLACES), draw(st.sampled_from([0, TOTAL]))
    sketch = tuple(sorted(draw(SKETCHES).items()))
    start_ms = 0 if level == TOTAL else NOW_MS
    n, total, good = draw(st.tuples(NUMBERS, NUMBERS, NUMBERS))
    return Cell(("d", "", ""), level, start_ms, place, n, total, good, sketch)


def figures(text: bytes) -> list[Figure]:
    return msgspec.json.decode(text, type=list[Figure])


@settings(max_examples=200, deadline=None)
@given(st.lists(cells(), max_size=12), st.sets(PLACES), st.sets(PLACES, max_size=3))
def test_figures_are_those_that_are_read_one_by_one(
    said: list[Cell], provisional: set[int], replaced: set[int]
) -> None:
    windows = PaneWindows(ZoneInfo("UTC"))
    windows.advance(NOW_MS)
    for cell in said:
        windows.apply([Part(0, 0, Cells.of([cell]))])
    scope_id = windows.scope_id(Scope("department", "d", "d"))
    expected: dict[int, Figure] = {}
    for place, name in enumerate(INDICATOR_IDS):
        summary = windows.summary(PLACE["1h"], scope_id, place)
        if summary is not None:
            expected[place] = Reading(name, summary).figure()
            expected[place].provisional = place in provisional
    is_empty = not any(f.n for place, f in expected.items() if place not in replaced)
    others = {place: Figure(indicator=f"other_{place}", n=place) for place in replaced}
    text, told_empty = windows.figures(
        PLACE["1h"],
        scope_id,
        sum(1 << place for place in provisional),
        {place: encode_figure(figure) for place, figure in others.items()},
    )
    assert figures(text) == [figure for _, figure in sorted({**expected, **others}.items())]
    assert told_empty == is_empty
