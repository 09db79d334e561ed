"""The reader that judges a run finds what must not be there."""

from __future__ import annotations

from shared.contracts.panes import Watermark
from tests.oracle.ticket_facts import Sums
from tests.system.measured import PaneLog, apart


def faults(*revisions: int) -> list[str]:
    log = PaneLog()
    for revision in revisions:
        log.take(0, Watermark(3, revision, 0, False, 0))
    return log.faults


def test_revisions_that_follow_each_other_are_in_order() -> None:
    assert faults(1, 2, 3) == []


def test_a_revision_that_is_missing_is_found() -> None:
    assert faults(1, 3) == ["panes-0, source 3, revision 3 follows 1"]


def test_a_revision_that_was_stored_twice_is_found() -> None:
    assert faults(1, 2, 2) == ["panes-0, source 3, revision 2 has two watermarks"]


def test_a_revision_that_comes_back_is_found() -> None:
    assert faults(1, 2, 1)[0] == "panes-0, source 3, revision 1 follows 2"


def test_partitions_that_end_at_different_revisions_are_found() -> None:
    log = PaneLog()
    log.take(0, Watermark(3, 1, 0, False, 0))
    log.take(1, Watermark(3, 1, 0, False, 0))
    log.take(1, Watermark(3, 2, 0, False, 0))
    log.last_revisions()
    assert log.faults == ["source 3 ends at 1 and at 2"]


def test_what_is_missing_too_much_or_other_is_told_apart() -> None:
    one, two = Sums(1, 5, 1), Sums(2, 5, 1)
    assert apart({"a": one}, {"a": one}) == []
    assert apart({"a": one}, {"a": two}) == ["1 of 1 differ", f"a: {one}, not {two}"]
    assert apart({}, {"a": one})[0] == "1 of 1 differ"
    assert apart({"b": one}, {})[0] == "1 of 0 differ"
