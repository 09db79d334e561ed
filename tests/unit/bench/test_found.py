"""Reading results back: the last word on a key and window counts."""

from __future__ import annotations

from bench import found
from bench.oracle import Cell
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.leaves import WHOLE
from shared.contracts.panes import DAY, QUARTER, PaneRecord, Watermark
from shared.contracts.panes import Cell as PaneCell
from shared.contracts.topics import DAY_MS
from tests.unit.contracts.pane_updates import ZONE, at_ms, cell, update

MIDNIGHT = at_ms("2026-03-04T00:00")
NOON = at_ms("2026-03-04T12:00")


def test_the_last_json_result_of_a_window_counts() -> None:
    line = b'{"k":"a|b|c","m":60000,"n":%d,"total":5,"low":2,"high":3,"good":1}'
    counted = found.from_json([line % 1, line % 2])
    assert counted == {("a|b|c", 60_000): Cell(2, 5, 2, 3, 1)}


def test_a_table_of_faust_is_read_from_its_changelog() -> None:
    items = [(b'"a|b|c|60000"', b"[1,5,5,5,0]"), (b'"a|b|c|60000"', b"[2,7,2,5,1]")]
    assert found.from_faust(items) == {("a|b|c", 60_000): Cell(2, 7, 2, 5, 1)}


def test_totals_add_the_days_of_all_source_partitions_as_they_were_stated_last() -> None:
    records: list[PaneRecord] = [
        update(NOON, [organisation(MIDNIGHT, 1)]),
        update(NOON, [organisation(MIDNIGHT, 2), cell(MIDNIGHT, 9)], revision=2),
        update(NOON, [organisation(MIDNIGHT, 4)], source=1),
        Watermark(0, 3, 0, False, 0),
    ]
    assert found.totals_of(records, ZONE) == {INDICATOR_IDS[0]: (6, 60)}
    sealed = update(NOON + DAY_MS, [organisation(MIDNIGHT, 8, level=DAY)], revision=3)
    assert found.totals_of([*records, sealed], ZONE) == {INDICATOR_IDS[0]: (12, 120)}


def organisation(start_ms: int, n: int, *, level: int = QUARTER) -> PaneCell:
    return cell(start_ms, n, level=level, leaf=WHOLE)
