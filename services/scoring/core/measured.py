"""What tickets state, as columns: one conversion of a flush's rows for panes and records alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.columns import Integers
from services.scoring.core.lifecycle import Holder, Row
from services.scoring.core.rules import RuleHistory
from shared.contracts.measurements import Measurements, Names

_PLACE: Final = Row._fields.index
_GETTERS: Final = {name: itemgetter(_PLACE(name)) for name in Row._fields}
_NAMES: Final = itemgetter(_PLACE("holder"), _PLACE("channel"), _PLACE("category"))
_UINT64: Final = np.dtype("<u8")
_INT64: Final = np.dtype("<i8")
_UINT32: Final = np.dtype("<u4")
_INT32: Final = np.dtype("<i4")
_UINT16: Final = np.dtype("<u2")
_INT8: Final = np.dtype("i1")
_UINT8: Final = np.dtype("u1")


class NameTable(dict[tuple[Holder, str, str], int]):
    """Numbers for the names of measurements (holder, channel, category), given out when they are
    first asked for; ``rows`` has the names by number."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Names] = []

    def __missing__(self, names: tuple[Holder, str, str]) -> int:
        holder, channel, category = names
        number = self[names] = len(self.rows)
        self.rows.append((*holder, channel, category))
        return number


class Measured(NamedTuple):
    """Rows as columns, an entry a row: all int64, but ``event`` is uint64. ``ticket`` is a place in
    ``tickets``, ``names`` a number of the name table; the rest is as in `Row`."""

    tickets: list[str]
    ticket: Integers
    indicator: Integers
    sequence: Integers
    sign: Integers
    time_ms: Integers
    value: Integers
    good: Integers
    names: Integers
    event: NDArray[np.uint64]

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.ticket)


def measured(stated: Sequence[tuple[str, Sequence[Row]]], names: NameTable) -> Measured:
    """The columns of what each ticket states, in the order given."""
    tickets = [ticket for ticket, _ in stated]
    lengths = [len(rows) for _, rows in stated]
    rows = list(chain.from_iterable(rows for _, rows in stated))
    return Measured(
        tickets,
        np.repeat(np.arange(len(tickets)), lengths),
        _column(rows, "indicator"),
        _column(rows, "sequence"),
        _column(rows, "sign"),
        _column(rows, "time_ms"),
        _column(rows, "value"),
        _column(rows, "good"),
        np.fromiter(map(names.__getitem__, map(_NAMES, rows)), np.int64, len(rows)),
        np.fromiter(map(_GETTERS["event"], rows), np.uint64, len(rows)),
    )


def _column(rows: Sequence[Row], name: str) -> Integers:
    return np.fromiter(map(_GETTERS[name], rows), np.int64, len(rows))


def to_wire(
    rows: Measured, names: NameTable, rules: RuleHistory, limit: int
) -> Iterator[Measurements]:
    """The wire form, ``limit`` rows at a time."""
    versions = _in_force(rules, rows.time_ms)
    for start in range(0, rows.size, limit):
        yield _part(rows, names, rules, versions, slice(start, start + limit))


def _in_force(rules: RuleHistory, times_ms: Integers) -> Integers:
    """The place of the version in force at each instant; the first one also before its time."""
    starts = [version.valid_from_ms for version in rules.versions]
    if len(starts) == 1:
        return np.zeros(len(times_ms), np.int64)
    return np.maximum(np.searchsorted(starts, times_ms, side="right") - 1, 0)


def _part(
    rows: Measured, names: NameTable, rules: RuleHistory, versions: Integers, part: slice
) -> Measurements:
    tickets, ticket = np.unique(rows.ticket[part], return_inverse=True)
    numbers, number = np.unique(rows.names[part], return_inverse=True)
    in_force, version = np.unique(versions[part], return_inverse=True)
    return Measurements(
        [rows.tickets[place] for place in tickets.tolist()],
        [names.rows[place] for place in numbers.tolist()],
        [rules.versions[place].version for place in in_force.tolist()],
        ticket.astype(_UINT32).tobytes(),
        rows.indicator[part].astype(_UINT8).tobytes(),
        rows.sequence[part].astype(_INT32).tobytes(),
        rows.sign[part].astype(_INT8).tobytes(),
        rows.time_ms[part].astype(_INT64, copy=False).tobytes(),
        rows.value[part].astype(_INT64, copy=False).tobytes(),
        rows.good[part].astype(_INT8).tobytes(),
        number.astype(_UINT32).tobytes(),
        rows.event[part].astype(_UINT64, copy=False).tobytes(),
        version.astype(_UINT16).tobytes(),
    )
