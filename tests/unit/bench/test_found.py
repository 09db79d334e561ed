"""Reading results back: the last word on a key and window counts."""

from __future__ import annotations

from bench import found
from bench.oracle import Cell
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import DAY, MINUTE, Cells, PaneUpdate, Watermark
from shared.contracts.panes import Cell as PaneCell
from shared.contracts.scopes import SCOPE_KINDS

ORGANISATION = SCOPE_KINDS.index("organisation")


def test_the_last_json_result_of_a_window_counts() -> None:
    line = b'{"k":"a|b|c","m":60000,"n":%d,"total":5,"low":2,"high":3,"good":1}'
    counted = found.from_json([line % 1, line % 2])
    assert counted == {("a|b|c", 60_000): Cell(2, 5, 2, 3, 1)}


def test_a_table_of_faust_is_read_from_its_changelog() -> None:
    items = [(b'"a|b|c|60000"', b"[1,5,5,5,0]"), (b'"a|b|c|60000"', b"[2,7,2,5,1]")]
    assert found.from_faust(items) == {("a|b|c", 60_000): Cell(2, 7, 2, 5, 1)}


def update(source: int, revision: int, cells: list[PaneCell], old: list[PaneCell]) -> PaneUpdate:
    return PaneUpdate(source, "g", revision, 0, 0, False, 0, "v", Cells.of(cells), 1, Cells.of(old))


def day(n: int, total: int, *, level: int = DAY, kind: int = ORGANISATION) -> PaneCell:
    return PaneCell(("", kind, ""), level, 0, 0, n, total, 0)


def test_totals_add_source_partitions_and_take_the_last_revision_of_each() -> None:
    records: list[object] = [
        update(0, 1, [day(1, 10)], []),
        update(0, 3, [], [day(3, 30)]),
        update(0, 2, [day(2, 20)], []),
        update(1, 1, [day(5, 50), day(9, 9, level=MINUTE), day(9, 9, kind=ORGANISATION + 1)], []),
        Watermark(0, 4, 0, False, 0),
    ]
    assert found.totals_of(records) == {INDICATOR_IDS[0]: (8, 80)}
