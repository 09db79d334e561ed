"""What a log of panes amounts to, stated and summed."""

from __future__ import annotations

import pytest

from shared.contracts.leaves import WHOLE
from shared.contracts.pane_log import CellKey, PaneLog
from shared.contracts.panes import (
    DAY,
    MINUTE,
    MINUTE_MS,
    QUARTER,
    TOTAL,
    Cell,
    PaneRecord,
    Watermark,
)
from shared.contracts.scopes import SCOPE_KINDS
from tests.unit.contracts.pane_updates import STORES, ZONE, at_ms, cell, update

MIDNIGHT = at_ms("2026-03-04T00:00")
NOON = at_ms("2026-03-04T12:00")
QUARTER_PAST = at_ms("2026-03-04T12:15")
HALF_PAST = at_ms("2026-03-04T12:30")
NEXT_DAY = at_ms("2026-03-05T00:00")
PLACE = {"minute": MINUTE, "quarter": QUARTER, "day": DAY, "total": TOTAL}


def log_of(*records: PaneRecord) -> PaneLog:
    log = PaneLog(ZONE)
    for record in records:
        log.take(record)
    return log


def counted(level: str, *records: PaneRecord) -> dict[int, int]:
    """The cases of all sources by start."""
    found: dict[int, int] = {}
    for key, held in log_of(*records).cells().items():
        assert (key.level, key.start_ms) == (held.level, held.start_ms)
        if key.level == PLACE[level]:
            found[key.start_ms] = found.get(key.start_ms, 0) + held.n
    return found


def test_what_is_open_is_the_sum_of_what_lies_below() -> None:
    opening = update(NOON, [cell(NOON, 1), cell(NOON + MINUTE_MS, 2), cell(QUARTER_PAST, 4)])
    again = update(NOON, [cell(NOON, 8)])
    assert counted("minute", opening, again) == {NOON: 8, NOON + MINUTE_MS: 2, QUARTER_PAST: 4}
    assert counted("quarter", opening, again) == {NOON: 10, QUARTER_PAST: 4}
    assert counted("day", opening, again) == {MIDNIGHT: 14}


def test_what_is_sealed_is_what_was_stated_of_it() -> None:
    minutes = update(NOON, [cell(NOON, 1), cell(QUARTER_PAST, 2)])
    sealing = update(QUARTER_PAST, [cell(NOON, 4, level=QUARTER)])
    assert counted("quarter", minutes, sealing) == {NOON: 4, QUARTER_PAST: 2}
    assert counted("day", minutes, sealing) == {MIDNIGHT: 6}
    days = update(NEXT_DAY, [cell(QUARTER_PAST, 8, level=QUARTER), cell(MIDNIGHT, 16, level=DAY)])
    assert counted("quarter", minutes, sealing, days) == {NOON: 4, QUARTER_PAST: 8}
    assert counted("day", minutes, sealing, days) == {MIDNIGHT: 16}


def test_a_sealed_pane_that_was_not_stated_is_not_made_up() -> None:
    assert counted("quarter", update(NOON, [cell(NOON)]), update(QUARTER_PAST)) == {}


def test_a_late_cell_of_a_sealed_quarter_hour_replaces_it_and_moves_its_day() -> None:
    sealed = update(QUARTER_PAST, [cell(NOON, 1), cell(NOON, 1, level=QUARTER)])
    late = update(QUARTER_PAST, [cell(NOON, 3), cell(NOON, 3, level=QUARTER)])
    assert counted("quarter", sealed, late) == {NOON: 3}
    assert counted("day", sealed, late) == {MIDNIGHT: 3}


def test_the_part_of_an_open_pane_that_a_slice_holds_is_passed_over() -> None:
    part = [cell(NOON, 5, level=QUARTER), cell(MIDNIGHT, 9, level=DAY), cell(NOON, 1)]
    assert counted("quarter", update(NOON, slice_cells=part)) == {NOON: 1}
    assert counted("day", update(NOON, slice_cells=part)) == {MIDNIGHT: 1}


def test_a_part_of_a_pane_counts_for_nothing_after_its_sealing_either() -> None:
    part = update(NOON, slice_cells=[cell(NOON, 5, level=QUARTER)])
    assert counted("quarter", part, update(QUARTER_PAST)) == {}


def test_a_slice_states_what_is_sealed_as_a_flush_does() -> None:
    old = [cell(NOON, 5, level=QUARTER), cell(MIDNIGHT, 7, level=DAY)]
    assert counted("quarter", update(NEXT_DAY, slice_cells=old)) == {NOON: 5}
    assert counted("day", update(NEXT_DAY, slice_cells=old)) == {MIDNIGHT: 7}


def test_what_a_flush_touched_comes_after_its_slice() -> None:
    both = update(NOON, [cell(NOON, 2)], [cell(NOON, 1)])
    assert counted("minute", both) == {NOON: 2}


def test_what_is_sealed_is_told_by_each_source_for_itself() -> None:
    ahead = update(QUARTER_PAST, [cell(NOON, 1), cell(NOON, 2, level=QUARTER)], source=1)
    behind = update(NOON, [cell(NOON, 4)], [cell(NOON, 8, level=QUARTER)], source=2)
    held = log_of(ahead, behind).cells()
    quarters = {key.source: cell.n for key, cell in held.items() if key.level == QUARTER}
    assert quarters == {1: 2, 2: 4}
    assert counted("day", ahead, behind) == {MIDNIGHT: 6}


def test_an_older_word_of_another_group_opens_nothing_again() -> None:
    """Groups lie in partitions, and those are read one after the other."""
    sealed = update(QUARTER_PAST, [cell(NOON, 1), cell(NOON, 2, level=QUARTER)])
    assert counted("quarter", sealed, update(NOON, [cell(QUARTER_PAST, 4)])) == {
        NOON: 2,
        QUARTER_PAST: 4,
    }


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_clocks_are_set_ends_at_its_own_midnight(day: str, hours: int) -> None:
    midnight = at_ms(f"{day}T00:00")
    quarters = [midnight + number * 15 * MINUTE_MS for number in range(hours * 4 + 1)]
    *within, after = quarters
    stated = [cell(start, level=QUARTER) for start in within]
    last_open = update(within[-1], [*stated[:-1], cell(within[-1])])
    assert counted("day", last_open) == {midnight: hours * 4}
    sealing = update(after, [*stated, cell(midnight, 7, level=DAY), cell(after)])
    assert counted("day", last_open, sealing) == {midnight: 7, after: 1}


def test_sketches_are_summed_by_bucket_and_what_was_taken_back_is_left_out() -> None:
    minutes = [
        cell(NOON, sketch=((3, 1), (5, 2), (9, 1))),
        cell(NOON + MINUTE_MS, sketch=((1, 1), (5, 1), (9, -1))),
    ]
    held = log_of(update(NOON, minutes)).cells()
    assert held[CellKey(0, STORES, QUARTER, NOON, 0)].sketch == ((1, 1), (3, 1), (5, 3))
    whole = Cell(STORES, DAY, MIDNIGHT, 0, 2, 20, 2, ((1, 1), (3, 1), (5, 3)))
    assert held[CellKey(0, STORES, DAY, MIDNIGHT, 0)] == whole


def test_leaves_and_indicators_are_not_mixed() -> None:
    parts = [cell(NOON, 1), cell(NOON, 2, leaf=WHOLE), cell(NOON, 4, indicator=1)]
    held = log_of(update(NOON, parts)).cells()
    days = {(key.leaf, key.indicator): c.n for key, c in held.items() if key.level == DAY}
    assert days == {(STORES, 0): 1, (WHOLE, 0): 2, (STORES, 1): 4}


def test_leaves_of_all_sources_are_rolled_up_to_their_scopes() -> None:
    held = [
        cell(NOON, 1, leaf=("d", "t", "ann"), sketch=((3, 1),)),
        cell(NOON, 2, leaf=("d", "u", "ann"), sketch=((3, 2), (4, -1))),
        cell(NOON, 4, leaf=("d", "t", ""), sketch=((4, 1),)),
    ]
    whence = [cell(NOON, 8, leaf=leaf) for leaf in (("", "mail", ""), ("", "mail", "a"), WHOLE)]
    log = log_of(update(NOON, held), update(NOON, whence), update(NOON, held, source=1))
    minutes = {key: found for key, found in log.rolled_up().items() if key.level == MINUTE}
    assert {key[1:] for key in minutes} == {(MINUTE, NOON, 0)}
    sums = {(d, SCOPE_KINDS[k], name): found for ((d, k, name), *_), found in minutes.items()}
    assert {scope: found.n for scope, found in sums.items()} == {
        ("d", "department", "d"): 14,
        ("d", "team", "t"): 10,
        ("d", "team", "u"): 4,
        ("d", "employee", "ann"): 6,
        ("", "organisation", ""): 24,
        ("", "channel", "mail"): 16,
        ("", "category", "a"): 8,
    }
    assert sums["d", "department", "d"] == (14, 140, 14, ((3, 6),))


def test_a_gauge_over_all_time_is_stated_and_enters_no_pane() -> None:
    first = update(NOON, [cell(0, 5, level=TOTAL), cell(NOON, 1)])
    last = update(QUARTER_PAST, slice_cells=[cell(0, 6, level=TOTAL)])
    assert counted("total", first, last) == {0: 6}
    assert counted("day", first) == {MIDNIGHT: 1}


def test_a_watermark_says_nothing_of_cells() -> None:
    stated = update(NOON, [cell(NOON)])
    mark = Watermark(0, 2, HALF_PAST, False, 0)
    assert log_of(stated, mark).cells() == log_of(stated).cells()


def test_a_reader_of_one_kind_of_scopes_holds_no_other() -> None:
    log = PaneLog(ZONE, kinds={SCOPE_KINDS.index("team")})
    log.take(update(NOON, [cell(NOON), cell(0, level=TOTAL), cell(NOON, leaf=WHOLE)]))
    assert log.cells() == {}
    log.take(update(NOON, [cell(NOON, leaf=("d", "t", "ann"))]))
    assert {key.scope for key in log.rolled_up()} == {("d", SCOPE_KINDS.index("team"), "t")}
