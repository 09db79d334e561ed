"""Sums by series: stamps tell of changes, and forgotten buckets take nothing with them."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest

from services.scoring.core import series_sums
from services.scoring.core.bucket_keys import bucket_keys
from services.scoring.core.changes import Change
from services.scoring.core.series_sums import SeriesSums

NONE = np.zeros(0, np.int64)


def buckets(sums: SeriesSums, series: int, sketch: Counter[int]) -> Change:
    """A change of one series' sketch alone."""
    entries = sums.entries(bucket_keys(np.full(len(sketch), series), np.array([*sketch], np.int64)))
    return Change(NONE, NONE, NONE, NONE, entries, np.array([*sketch.values()], np.int64))


def test_forgetting_empty_buckets_leaves_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_sums, "_LEAST_TO_CLEAR", 8)
    sums, random = SeriesSums(2), Random(1)
    sums.reach(5)
    expected = {(window, series): Counter[int]() for window in range(2) for series in range(5)}
    for step in range(300):
        window, series = random.randrange(2), random.randrange(5)
        held = expected[window, series]
        if step % 3 == 2:
            sums.add((window,), buckets(sums, series, held).less())
            held.clear()
        else:
            more = Counter({b: random.randint(1, 5) for b in random.sample(range(-1, 99), 6)})
            sums.add((window,), buckets(sums, series, more))
            held.update(more)
        sums.clear_buckets()
        for (at, of), sketch in expected.items():
            assert list((sums.sketch(at, of) or {}).items()) == sorted(sketch.items())


def test_a_stamp_grows_with_every_change_of_its_series_in_its_window_only() -> None:
    sums = SeriesSums(2)
    sums.reach(2)
    one = np.array([1])
    change = Change(one, one, one, one, NONE, NONE)
    seen = [sums.stamp(0, 1)]
    for _ in range(3):
        sums.add((0,), change)
        seen.append(sums.stamp(0, 1))
    assert seen == sorted(set(seen))
    assert (sums.stamp(1, 1), sums.stamp(0, 0)) == (0, 0)
    assert sums.numbers(0, np.array([0, 1])) == ([0, 3], [0, 3], [0, 3])
