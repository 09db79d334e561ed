"""Score records are sent at a bounded rate, and an empty window only once."""

from __future__ import annotations

import numpy as np

from services.scoring.core.emission import Emission, interval_ms
from shared.contracts.scopes import SCOPE_KINDS

KINDS = np.full(4, SCOPE_KINDS.index("department"))


def test_no_scope_is_sent_more_than_four_times_a_second() -> None:
    assert all(interval_ms(kind, w) >= 250 for kind in SCOPE_KINDS for w in range(6))


def test_news_waits_for_its_turn_and_is_not_lost() -> None:
    emission = Emission()
    emission.want(1, 0b1)
    assert emission.due(KINDS, 1_000, 9) == [(1, 0)]
    assert emission.sent(1, 0, 1_000, empty=False)
    emission.want(1, 0b1)
    assert emission.due(KINDS, 1_499, 9) == []
    assert emission.due(KINDS, 1_500, 9) == [(1, 0)]


def test_without_news_nothing_is_due() -> None:
    emission = Emission()
    emission.want(1, 0b10)
    emission.sent(1, 1, 0, empty=False)
    assert emission.waiting == 0
    assert emission.due(KINDS, 10_000, 9) == []


def test_what_was_not_sent_for_longest_comes_first_when_there_is_too_much() -> None:
    emission = Emission()
    for scope, now in ((2, 1_000), (0, 2_000), (1, 3_000)):
        emission.want(scope, 0b1)
        emission.sent(scope, 0, now, empty=False)
    emission.want(np.arange(4), np.array([1, 1, 1, 0b100]))
    assert emission.due(KINDS, 60_000, 3) == [(3, 2), (2, 0), (0, 0)]
    assert emission.due(KINDS, 60_000, 9)[3:] == [(1, 0)]


def test_when_there_is_too_much_all_are_late_alike() -> None:
    kinds = np.array([SCOPE_KINDS.index(kind) for kind in ("employee", "organisation", "employee")])
    emission = Emission()
    for scope, sent_at in ((0, 0), (1, 9_000)):
        emission.want(scope, 0b1)
        emission.sent(scope, 0, sent_at, empty=False)
    emission.want(np.arange(2), 0b1)
    # 2 s are four intervals of the organisation's, 11 s not four of an employee's.
    assert emission.due(kinds, 11_000, 9) == [(1, 0), (0, 0)]
    assert emission.due(kinds, 13_000, 9) == [(1, 0), (0, 0)]
    emission.want(2, 0b1)
    assert emission.due(kinds, 11_000, 1) == [(2, 0)]


def test_a_window_that_became_empty_is_sent_once_more() -> None:
    emission = Emission()
    for now, empty, expected in [
        (0, False, True),
        (1, True, True),
        (2, True, False),
        (3, False, True),
    ]:
        emission.want(1, 1)
        assert emission.sent(1, 0, now, empty=empty) is expected
