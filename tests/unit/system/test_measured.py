"""The reader that judges a run finds what must not be there."""

from __future__ import annotations

from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.panes import DAY, MINUTE, QUARTER, PaneRecord, Watermark
from tests.oracle.ticket_facts import FactKey, Sums
from tests.system.measured import CheckedLog, Panes, apart, cells_of
from tests.unit.contracts.pane_updates import ZONE, at_ms, cell, update

NOON = at_ms("2026-03-04T12:00")
QUARTER_PAST = at_ms("2026-03-04T12:15")
OPENED = INDICATOR_IDS.index("tickets_opened")


def read(*records: PaneRecord, partition: int = 0) -> Panes:
    log = CheckedLog(ZONE)
    for record in records:
        log.take(partition, record)
    return log.finish()


def faults(*revisions: int) -> list[str]:
    return read(*(Watermark(3, revision, 0, False, 0) for revision in revisions)).faults


def test_revisions_that_follow_each_other_are_in_order() -> None:
    assert faults(1, 2, 3) == []


def test_a_revision_that_is_missing_is_found() -> None:
    assert faults(1, 3) == ["panes-0, source 3, revision 3 follows 1"]


def test_a_revision_that_was_stored_twice_is_found() -> None:
    assert faults(1, 2, 2) == ["panes-0, source 3, revision 2 has two watermarks"]


def test_a_revision_that_comes_back_is_found() -> None:
    assert faults(1, 2, 1)[0] == "panes-0, source 3, revision 1 follows 2"


def test_partitions_that_end_at_different_revisions_are_found() -> None:
    log = CheckedLog(ZONE)
    log.take(0, Watermark(3, 1, 0, False, 0))
    log.take(1, Watermark(3, 1, 0, False, 0))
    log.take(1, Watermark(3, 2, 0, False, 0))
    assert log.finish().faults == ["source 3 ends at 1 and at 2"]


def test_a_cell_that_a_revision_states_twice_is_found() -> None:
    twice = [update(NOON, [cell(NOON)]), update(NOON, [cell(NOON)])]
    (fault,) = read(*twice).faults
    assert fault.startswith("panes-0, source 0, revision 1 states Cell(")
    assert fault.endswith("twice")


def test_a_cell_that_a_slice_repeats_is_no_fault() -> None:
    assert read(update(NOON, [cell(NOON)], [cell(NOON)])).faults == []


def test_a_wrong_seal_is_found() -> None:
    unsealed = [update(QUARTER_PAST), update(NOON, revision=2)]
    (fault,) = read(*unsealed).faults
    assert fault == (f"panes-0, source 0, revision 2 seals up to {NOON} ms, after {QUARTER_PAST}")


def test_cells_are_compared_on_every_level() -> None:
    minutes = [cell(start, indicator=OPENED) for start in (NOON, QUARTER_PAST)]
    sealed = cell(NOON, level=QUARTER, indicator=OPENED)
    found = read(update(NOON, minutes), update(QUARTER_PAST, [sealed], revision=2))
    facts = {
        FactKey("tickets_opened", start, "stores", "", "", "", ""): Sums(1, 10, 1)
        for start in (NOON, QUARTER_PAST)
    }
    wanted = {key: sums for key, sums in cells_of(facts).items() if key.kind == "department"}
    assert (found.cells, found.faults) == (wanted, [])
    assert {key.level for key in wanted} == {MINUTE, QUARTER, DAY}


def test_what_is_missing_too_much_or_other_is_told_apart() -> None:
    one, two = Sums(1, 5, 1), Sums(2, 5, 1)
    assert apart({"a": one}, {"a": one}) == []
    assert apart({"a": one}, {"a": two}) == ["1 of 1 differ", f"a: {one}, not {two}"]
    assert apart({}, {"a": one})[0] == "1 of 1 differ"
    assert apart({"b": one}, {})[0] == "1 of 0 differ"
