"""Whether the totals of the product's panes are those that the stream was drawn with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def compare_totals(
    expected: Mapping[str, Sequence[int]], counted: Mapping[str, tuple[int, int]]
) -> str:
    """ "exact", or which indicators differ."""
    wrong = [
        f"{name} {counted.get(name)} instead of {tuple(row)}"
        for name, row in sorted(expected.items())
        if counted.get(name) != tuple(row)
    ]
    return "WRONG: " + ", ".join(wrong) if wrong else "exact"
