"""What a source must not say of sealed and open panes is found."""

from __future__ import annotations

import pytest

from shared.contracts.panes import DAY, MINUTE_MS, QUARTER, TOTAL, Cell, PaneUpdate
from tests.system.seals import SealChecks
from tests.unit.contracts.pane_updates import ZONE, at_ms, cell, update

MIDNIGHT = at_ms("2026-03-04T00:00")
NOON = at_ms("2026-03-04T12:00")
QUARTER_PAST = at_ms("2026-03-04T12:15")
HALF_PAST = at_ms("2026-03-04T12:30")
LAST_QUARTER = at_ms("2026-03-04T23:45")
NEXT_DAY = at_ms("2026-03-05T00:00")
BOTH = ((3, 1), (5, 1))


def faults(*updates: PaneUpdate) -> list[str]:
    checks = SealChecks(ZONE, "here")
    for one in updates:
        checks.take(one)
    checks.end_flush()
    return checks.faults


def opening(*cells: Cell) -> PaneUpdate:
    return update(NOON, [cell(0, level=TOTAL), *cells])


def sealing(*cells: Cell, sealed_ms: int = QUARTER_PAST, revision: int = 2) -> PaneUpdate:
    return update(sealed_ms, cells, revision=revision)


MINUTES = opening(cell(NOON, sketch=((3, 1),)), cell(NOON + MINUTE_MS, sketch=((5, 1),)))
WHOLE = cell(NOON, 2, level=QUARTER, sketch=BOTH)


def test_a_log_that_seals_as_it_should_has_no_faults() -> None:
    late = [cell(NOON, 4), cell(NOON, 5, level=QUARTER)]
    day = [cell(MIDNIGHT, 5, level=DAY)]
    assert faults(MINUTES, sealing(WHOLE)) == []
    assert faults(MINUTES, sealing(WHOLE), sealing(*late, revision=3)) == []
    later = sealing(*day, sealed_ms=NEXT_DAY, revision=4)
    assert faults(MINUTES, sealing(WHOLE), sealing(*late, revision=3), later) == []


def test_a_seal_that_falls_is_found() -> None:
    fallen = update(NOON, revision=2)
    assert faults(update(QUARTER_PAST), fallen) == [
        f"here, revision 2 seals up to {NOON} ms, after {QUARTER_PAST}"
    ]


@pytest.mark.parametrize("watermark_ms", [NOON + MINUTE_MS, HALF_PAST])
def test_a_seal_before_its_time_or_after_it_is_found(watermark_ms: int) -> None:
    (fault,) = faults(update(NOON, watermark_ms=watermark_ms))
    assert fault.startswith(f"here, revision 1 seals up to {NOON} ms, not ")


@pytest.mark.parametrize("open_cell", [cell(NOON, level=QUARTER), cell(MIDNIGHT, level=DAY)])
def test_an_open_pane_that_is_stated_is_found(open_cell: Cell) -> None:
    assert faults(update(NOON, [open_cell])) == [f"here, revision 1 states the open {open_cell}"]


def test_the_part_of_an_open_pane_in_a_slice_is_no_fault() -> None:
    part = [cell(NOON, 7, level=QUARTER), cell(MIDNIGHT, 7, level=DAY)]
    assert faults(MINUTES, update(NOON, slice_cells=part, revision=2), sealing(WHOLE)) == []


@pytest.mark.parametrize(
    "stated",
    [
        [],
        [cell(NOON, 3, level=QUARTER, sketch=BOTH)],
        [cell(NOON, 2, level=QUARTER, sketch=((3, 2),))],
        [WHOLE, cell(NOON, 2, level=QUARTER, indicator=1)],
    ],
)
def test_a_quarter_hour_that_is_not_sealed_as_the_sum_of_its_minutes_is_found(
    stated: list[Cell],
) -> None:
    (fault,) = faults(MINUTES, sealing(*stated))
    assert fault.startswith("here, revision 2 seals CellKey(")


def test_minutes_of_the_flush_that_seals_count_whichever_update_they_are_in() -> None:
    stated = sealing(cell(NOON, 3, level=QUARTER))
    assert faults(stated, sealing(cell(NOON, 3))) == []


@pytest.mark.parametrize(("n", "found"), [(3, 0), (2, 1)])
def test_a_day_is_sealed_as_the_sum_of_its_quarter_hours(n: int, found: int) -> None:
    minutes = opening(cell(NOON), cell(LAST_QUARTER, 2))
    first = sealing(cell(NOON, level=QUARTER), sealed_ms=LAST_QUARTER)
    last = [cell(LAST_QUARTER, 2, level=QUARTER), cell(MIDNIGHT, n, level=DAY)]
    assert len(faults(minutes, first, sealing(*last, sealed_ms=NEXT_DAY, revision=3))) == found


def test_nothing_is_said_of_a_pane_whose_minutes_were_no_longer_kept() -> None:
    days_later = at_ms("2026-03-08T12:00")
    booked_late = [cell(NOON, 3, level=QUARTER), cell(MIDNIGHT, 3, level=DAY)]
    assert faults(update(days_later, booked_late)) == []


def test_a_pane_that_was_sealed_before_may_change() -> None:
    later = [sealing(WHOLE), sealing(cell(HALF_PAST), sealed_ms=HALF_PAST, revision=3)]
    late = update(HALF_PAST, [cell(NOON, 9, level=QUARTER)], revision=4)
    assert faults(MINUTES, *later, late) == []
