"""Measurements are the same after being columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.measurements import Measurement, Measurements

texts = st.sampled_from(["", "a", "b"])
measurements = st.builds(
    Measurement,
    ticket=st.text(max_size=3),
    indicator=st.integers(0, 16),
    sequence=st.integers(0, 2) | st.integers(0, 2**31 - 1),
    sign=st.sampled_from([1, -1]),
    time_ms=st.integers(0, 12_000) | st.integers(0, 2**42),
    value=st.integers(-128, 127) | st.integers(-(2**63), 2**63 - 1),
    good=st.integers(0, 1),
    department=texts,
    team=texts,
    employee=texts,
    channel=texts,
    category=texts,
    event=st.integers(0, 2**64 - 1),
    rule_version=st.sampled_from(["one", "two"]),
)


@given(st.lists(measurements, max_size=9))
def test_measurements_come_back_in_their_order(rows: list[Measurement]) -> None:
    columns = Measurements.of(rows)
    assert list(columns) == rows
    assert len(columns) == len(rows)
    assert len(set(columns.names)) == len(columns.names)
