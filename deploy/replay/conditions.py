"""The conditions of a mapping: which rows of a case make an event.

A row is judged beside the row before it in the same case. A condition never looks ahead, so that
a replay does what a live connection would have done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, field_validator

from deploy.replay.values import Cell, Cells, Name, Part, Scalar

Keyword = Literal["first_row", "every_row"]
Values = Annotated[dict[Name, Scalar | list[Scalar]], Field(min_length=1)]
OneValue = Annotated[dict[Name, Scalar | list[Scalar]], Field(min_length=1, max_length=1)]
ClockText = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")]


@dataclass
class RowView:
    """What a condition sees: this row, the row before it in the case (None on the first), and
    the ``first`` conditions that an earlier row has used up."""

    cells: Cells
    previous: Cells | None
    clocks: Cells
    spent: set[int] = field(default_factory=set)

    def before(self, column: str) -> Cell:
        return None if self.previous is None else self.previous[column]


class All(Part):
    """Every one of these holds."""

    all: Annotated[list[Condition], Field(min_length=1)]

    def parts(self) -> tuple[Condition, ...]:
        return tuple(self.all)

    def columns(self) -> tuple[str, ...]:
        return ()

    def holds(self, row: RowView) -> bool:
        return all(holds(part, row) for part in self.all)


class AnyOf(Part):
    """At least one of these holds."""

    any: Annotated[list[Condition], Field(min_length=1)]

    def parts(self) -> tuple[Condition, ...]:
        return tuple(self.any)

    def columns(self) -> tuple[str, ...]:
        return ()

    def holds(self, row: RowView) -> bool:
        return any(holds(part, row) for part in self.any)


class Not(Part):
    """This does not hold."""

    not_: Annotated[Condition, Field(alias="not")]

    def parts(self) -> tuple[Condition, ...]:
        return (self.not_,)

    def columns(self) -> tuple[str, ...]:
        return ()

    def holds(self, row: RowView) -> bool:
        return not holds(self.not_, row)


class First(Part):
    """This holds, on the first row of the case on which it does."""

    first: Condition

    def parts(self) -> tuple[Condition, ...]:
        return (self.first,)

    def columns(self) -> tuple[str, ...]:
        return ()

    def holds(self, row: RowView) -> bool:
        return id(self) not in row.spent and holds(self.first, row)


class _Leaf(Part):
    def parts(self) -> tuple[Condition, ...]:
        return ()


class Is(_Leaf):
    """Each of these columns has its value, or one of its list of values."""

    is_: Annotated[Values, Field(alias="is")]

    def columns(self) -> tuple[str, ...]:
        return tuple(self.is_)

    def holds(self, row: RowView) -> bool:
        return all(_matches(row.cells[name], wanted) for name, wanted in self.is_.items())


class Becomes(_Leaf):
    """The column has this value (or one of these), and had not on the row before.

    On the first row of a case it is enough that the column has it.
    """

    becomes: OneValue

    def columns(self) -> tuple[str, ...]:
        return tuple(self.becomes)

    def holds(self, row: RowView) -> bool:
        name, wanted = next(iter(self.becomes.items()))
        return _matches(row.cells[name], wanted) and not _matches(row.before(name), wanted)


class Leaves(_Leaf):
    """The column had this value (or one of these) on the row before, and no longer has."""

    leaves: OneValue

    def columns(self) -> tuple[str, ...]:
        return tuple(self.leaves)

    def holds(self, row: RowView) -> bool:
        name, left = next(iter(self.leaves.items()))
        return _matches(row.before(name), left) and not _matches(row.cells[name], left)


class Changes(_Leaf):
    """The column (or one of these) differs from the row before; never on the first row."""

    changes: Name | Annotated[list[Name], Field(min_length=1)]

    def columns(self) -> tuple[str, ...]:
        return (self.changes,) if isinstance(self.changes, str) else tuple(self.changes)

    def holds(self, row: RowView) -> bool:
        previous = row.previous
        return previous is not None and any(
            row.cells[name] != previous[name] for name in self.columns()
        )


class Grows(_Leaf):
    """The counter is greater than on the row before; on the first row, greater than ``from``."""

    grows: Name
    from_: Annotated[int | None, Field(alias="from")] = None

    def columns(self) -> tuple[str, ...]:
        return (self.grows,)

    def growth(self, row: RowView) -> int:
        """By how much, 0 if it does not grow or is not known."""
        start = self.from_ if row.previous is None else row.before(self.grows)
        now = row.cells[self.grows]
        if not isinstance(now, int) or not isinstance(start, int):
            return 0
        return max(0, now - start)

    def holds(self, row: RowView) -> bool:
        return self.growth(row) > 0


class Present(_Leaf):
    """The column (or each of these) is not empty."""

    present: Name | Annotated[list[Name], Field(min_length=1)]

    def columns(self) -> tuple[str, ...]:
        return (self.present,) if isinstance(self.present, str) else tuple(self.present)

    def holds(self, row: RowView) -> bool:
        return all(row.cells[name] is not None for name in self.columns())


class Compared(_Leaf):
    """The first column is under the second column or number (times, integers, numbers)."""

    less: Annotated[list[Name | int | float], Field(min_length=2, max_length=2)]

    def columns(self) -> tuple[str, ...]:
        return tuple(side for side in self.less if isinstance(side, str))

    def holds(self, row: RowView) -> bool:
        low, high = (row.cells[side] if isinstance(side, str) else side for side in self.less)
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            return False
        return low < high


class Clock(_Leaf):
    """The time column shows exactly this time of day, as it was written in the file."""

    clock: Annotated[dict[Name, ClockText], Field(min_length=1, max_length=1)]

    @field_validator("clock", mode="before")
    @classmethod
    def _quoted(cls, value: object) -> object:
        if isinstance(value, dict) and any(isinstance(text, int) for text in value.values()):
            raise ValueError('needs quotes around the time of day: "00:00"')
        return value

    def columns(self) -> tuple[str, ...]:
        return tuple(self.clock)

    def holds(self, row: RowView) -> bool:
        name, text = next(iter(self.clock.items()))
        hours, minutes, seconds = [*map(int, text.split(":")), 0][:3]
        return row.clocks.get(name) == ((hours * 60 + minutes) * 60 + seconds) * 1000


def _matches(cell: Cell, wanted: Scalar | list[Scalar]) -> bool:
    return cell in wanted if isinstance(wanted, list) else cell == wanted


FORMS: Final = {
    "all": All,
    "any": AnyOf,
    "not": Not,
    "first": First,
    "is": Is,
    "becomes": Becomes,
    "leaves": Leaves,
    "changes": Changes,
    "grows": Grows,
    "present": Present,
    "less": Compared,
    "clock": Clock,
}


def _form(value: object) -> str | None:
    if isinstance(value, str):
        return "keyword"
    if isinstance(value, dict):
        return next((key for key in FORMS if key in value), None)
    return next((key for key, form in FORMS.items() if isinstance(value, form)), None)


Condition = Annotated[
    Annotated[Keyword, Tag("keyword")]
    | Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[First, Tag("first")]
    | Annotated[Is, Tag("is")]
    | Annotated[Becomes, Tag("becomes")]
    | Annotated[Leaves, Tag("leaves")]
    | Annotated[Changes, Tag("changes")]
    | Annotated[Grows, Tag("grows")]
    | Annotated[Present, Tag("present")]
    | Annotated[Compared, Tag("less")]
    | Annotated[Clock, Tag("clock")],
    Discriminator(
        _form,
        custom_error_type="no_condition",
        custom_error_message="is no condition: write first_row, every_row, or one of "
        + ", ".join(f"{{{key}: ...}}" for key in FORMS),
    ),
]

for _model in (All, AnyOf, Not, First):
    _model.model_rebuild()


def holds(condition: Condition, row: RowView) -> bool:
    """Whether a condition holds on a row."""
    if condition == "first_row":
        return row.previous is None
    if condition == "every_row":
        return True
    return condition.holds(row)


def walk(condition: Condition) -> Iterator[Condition]:
    """The condition's parts from the innermost out, and the condition itself."""
    if not isinstance(condition, str):
        for part in condition.parts():
            yield from walk(part)
    yield condition


def columns_of(condition: Condition) -> Iterator[str]:
    """Every column that a condition reads."""
    for part in walk(condition):
        if not isinstance(part, str):
            yield from part.columns()


def spend(firsts: list[First], row: RowView) -> None:
    """Mark the ``first`` conditions that this row uses up, after all rules have seen the row."""
    row.spent.update([id(first) for first in firsts if holds(first.first, row)])
