"""A stream that stands still while its log grows is noticed, and nothing else is."""

from __future__ import annotations

import pytest

from services.scoring.windows.log_watch import LogWatch
from shared.runtime.kafka import Stuck


def test_a_quiet_log_is_no_fault() -> None:
    watch = LogWatch(patience=60)
    for now in range(0, 1000, 20):
        watch.look(now, {0: 10}, {0: 12})


def test_a_position_that_moves_is_no_fault_however_far_behind() -> None:
    watch = LogWatch(patience=60)
    for now in range(0, 1000, 20):
        watch.look(now, {0: now}, {0: 10_000 + now * 5})


def test_a_position_that_stands_while_the_log_grows_is_stuck() -> None:
    watch = LogWatch(patience=60)
    watch.look(0, {0: 10}, {0: 12})
    watch.look(20, {0: 10}, {0: 20})
    watch.look(80, {0: 10}, {0: 20})
    with pytest.raises(Stuck):
        watch.look(81, {0: 10}, {0: 20})


def test_a_partition_that_was_let_go_is_forgotten() -> None:
    watch = LogWatch(patience=60)
    watch.look(0, {0: 10}, {0: 12})
    watch.look(20, {0: 10}, {0: 20})
    watch.look(40, {}, {})
    watch.look(200, {0: 10}, {0: 20})
