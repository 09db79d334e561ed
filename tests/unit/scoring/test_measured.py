"""What tickets state arrives on the wire row by row as it was stated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.core.lifecycle import Holder, Row
from services.scoring.core.measured import NameTable, measured, to_wire
from services.scoring.core.rules import RuleHistory
from services.scoring.rule_files import load_rules
from shared.contracts.measurements import Measurement, Measurements

FIRST = load_rules(None).versions[0]
RULES = RuleHistory(
    [
        replace(FIRST, version=version, valid_from_ms=start)
        for version, start in (("one", 1_000), ("two", 5_000), ("three", 9_000))
    ],
    {},
)

names = st.sampled_from(["", "a", "b"])
stated_rows = st.builds(
    Row,
    indicator=st.integers(0, 16),
    sequence=st.integers(0, 2**31 - 1),
    sign=st.sampled_from([1, -1]),
    time_ms=st.integers(0, 12_000) | st.sampled_from([1_000, 5_000, 9_000]),
    value=st.integers(-(2**63), 2**63 - 1),
    good=st.integers(0, 1),
    holder=st.builds(Holder, names, names, names),
    channel=names,
    category=names,
    event=st.integers(0, 2**64 - 1),
)
stated_tickets = st.lists(st.tuples(st.text(max_size=3), st.lists(stated_rows, max_size=6)))


def plain(ticket: str, row: Row) -> Measurement:
    return Measurement(
        ticket,
        row.indicator,
        row.sequence,
        row.sign,
        row.time_ms,
        row.value,
        row.good,
        *row.holder,
        row.channel,
        row.category,
        row.event,
        RULES.at(row.time_ms).version,
    )


@given(stated_tickets, st.integers(1, 9))
def test_records_hold_the_rows_in_order_under_the_rules_of_their_time(
    stated: list[tuple[str, list[Row]]], limit: int
) -> None:
    table = NameTable()
    expected = [plain(ticket, row) for ticket, rows in stated for row in rows]
    parts = list(to_wire(measured(stated, table), table, RULES, limit))
    assert [row for part in parts for row in part] == expected
    assert all(0 < len(part) <= limit for part in parts)


@given(stated_tickets)
def test_measurements_are_the_same_after_being_columns(
    stated: list[tuple[str, list[Row]]],
) -> None:
    expected = [plain(ticket, row) for ticket, rows in stated for row in rows]
    columns = Measurements.of(expected)
    assert list(columns) == expected
    assert len(columns) == len(expected)
    assert len(set(columns.names)) == len(columns.names)


def test_a_name_keeps_its_number() -> None:
    table = NameTable()
    row = Row(0, 0, 1, 0, 0, 0, Holder("d", "t", "e"), "c", "k", 0)
    other = row._replace(channel="x")
    assert measured([("T", [row, other, row])], table).names.tolist() == [0, 1, 0]
    assert measured([("U", [other])], table).names.tolist() == [1]
    assert table.rows == [("d", "t", "e", "c", "k"), ("d", "t", "e", "x", "k")]


def test_nothing_stated_is_no_record() -> None:
    table = NameTable()
    nothing = measured([("T", [])], table)
    assert nothing.size == 0
    assert nothing.event.dtype == np.uint64
    assert list(to_wire(nothing, table, RULES, 10)) == []
