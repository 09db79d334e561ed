"""What every engine must have counted, computed apart from all of them in plain numpy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.streams.common import CLOSING, MINUTE_MS, Event

ROLLING_MINUTES: Final = 60


class Cell(NamedTuple):
    """Count, sum, least, greatest, good."""

    n: int
    total: int
    low: int
    high: int
    good: int


Cells = Mapping[tuple[str, int], Cell]
"""By key and start of the window in ms."""


@dataclass(frozen=True)
class Comparison:
    """How an engine's cells differ from those that should be there."""

    expected: int
    missing: int
    surplus: int
    different: int
    n_expected: int
    n_found: int

    @property
    def exact(self) -> bool:
        return self.missing == self.surplus == self.different == 0

    def __str__(self) -> str:
        if self.exact:
            return "exact"
        return (
            f"WRONG: of {self.expected} cells {self.missing} missing, {self.different} different, "
            f"{self.surplus} too many; counted {self.n_found} instead of {self.n_expected}"
        )


def compare(expected: Cells, found: Cells) -> Comparison:
    """Compare cell by cell."""
    missing = sum(place not in found for place in expected)
    surplus = sum(place not in expected for place in found)
    different = sum(place in found and found[place] != cell for place, cell in expected.items())
    return Comparison(
        len(expected),
        missing,
        surplus,
        different,
        sum(cell.n for cell in expected.values()),
        sum(cell.n for cell in found.values()),
    )


def minutes(events: Iterable[Event]) -> dict[tuple[str, int], Cell]:
    """One-minute panes of the distinct events, closing events left out."""
    cells: dict[tuple[str, int], Cell] = {}
    for event in distinct(events):
        place = (event.key, event.time_ms - event.time_ms % MINUTE_MS)
        one = Cell(1, event.value, event.value, event.value, event.good)
        known = cells.get(place)
        cells[place] = one if known is None else _merged(known, one)
    return cells


def rolling(panes: Cells) -> dict[tuple[str, int], Cell]:
    """The hour that starts at each minute, for every key with something in it."""
    by_key: dict[str, dict[int, Cell]] = {}
    for (key, start_ms), cell in panes.items():
        by_key.setdefault(key, {})[start_ms // MINUTE_MS] = cell
    hours: dict[tuple[str, int], Cell] = {}
    for key, own in by_key.items():
        hours.update({(key, minute * MINUTE_MS): cell for minute, cell in _hours(own)})
    return hours


def distinct(events: Iterable[Event]) -> Iterator[Event]:
    """Each id once, without closing events."""
    seen: set[str] = set()
    for event in events:
        if event.id not in seen and event.employee != CLOSING:
            seen.add(event.id)
            yield event


def _merged(a: Cell, b: Cell) -> Cell:
    return Cell(
        a.n + b.n, a.total + b.total, min(a.low, b.low), max(a.high, b.high), a.good + b.good
    )


def _hours(own: Mapping[int, Cell]) -> Iterator[tuple[int, Cell]]:
    first, last = min(own) - ROLLING_MINUTES + 1, max(own)
    width = last - first + ROLLING_MINUTES
    table = np.zeros((5, width), np.int64)
    table[2], table[3] = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for minute, cell in own.items():
        table[:, minute - first] = cell
    spans = np.lib.stride_tricks.sliding_window_view(table, ROLLING_MINUTES, axis=1)
    columns = _reduced(spans)
    for place in np.flatnonzero(columns[0]).tolist():
        yield first + place, Cell(*columns[:, place].tolist())


def _reduced(spans: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack(
        [
            spans[0].sum(axis=1),
            spans[1].sum(axis=1),
            spans[2].min(axis=1),
            spans[3].max(axis=1),
            spans[4].sum(axis=1),
        ]
    )
