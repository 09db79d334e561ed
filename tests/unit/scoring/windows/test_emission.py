"""Score records are sent at a bounded rate, and an empty window only once."""

from __future__ import annotations

from services.scoring.core.emission import Emission, interval_ms
from shared.contracts.scopes import SCOPE_KINDS


def test_no_scope_is_sent_more_than_four_times_a_second() -> None:
    assert all(interval_ms(kind, w) >= 250 for kind in SCOPE_KINDS for w in range(6))


def test_news_waits_for_its_turn_and_is_not_lost() -> None:
    emission = Emission()
    emission.want(1, 0b1)
    assert list(emission.due(1, "department", 1_000)) == [0]
    assert emission.sent(1, 0, 1_000, empty=False)
    emission.want(1, 0b1)
    assert list(emission.due(1, "department", 1_499)) == []
    assert list(emission.due(1, "department", 1_500)) == [0]


def test_without_news_nothing_is_due() -> None:
    emission = Emission()
    emission.want(1, 0b10)
    emission.sent(1, 1, 0, empty=False)
    assert emission.waiting == 0
    assert list(emission.due(1, "department", 10_000)) == []


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
