"""The values that a mapping computes from one row: columns, constants, templates, times."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

Cell = str | int | float | bool | None
"""A cell of a row after reading. Times are milliseconds since 1970 in UTC."""
Cells = MappingABC[str, Cell]
Scalar = str | int | float | bool
Name = Annotated[str, Field(min_length=1, max_length=200)]
PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


class Part(BaseModel):
    """A piece of a mapping: unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )


class Column(Part):
    """The value of a column, or ``default`` where the column is empty."""

    column: Name
    default: Scalar | None = None

    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def value(self, cells: Cells) -> object:
        cell = cells[self.column]
        return self.default if cell is None else cell


class Constant(Part):
    """The same value for every row: text, a number, true or false, a list or a mapping."""

    constant: Any

    def columns(self) -> tuple[str, ...]:
        return ()

    def value(self, cells: Cells) -> object:
        return self.constant


class Template(Part):
    """Text with ``{column}`` in it; empty as soon as one of its columns is empty."""

    template: Annotated[str, Field(min_length=1)]

    @field_validator("template")
    @classmethod
    def _whole(cls, text: str) -> str:
        if "{" in PLACEHOLDER.sub("", text) or "}" in PLACEHOLDER.sub("", text):
            raise ValueError("has a { or } without its partner: write {column}")
        return text

    def columns(self) -> tuple[str, ...]:
        return tuple(PLACEHOLDER.findall(self.template))

    def value(self, cells: Cells) -> str | None:
        if any(cells[name] is None for name in self.columns()):
            return None
        return PLACEHOLDER.sub(lambda found: str(cells[found.group(1)]), self.template)


class FirstOf(Part):
    """The first of these columns that is not empty."""

    first_of: Annotated[list[Name], Field(min_length=1)]

    def columns(self) -> tuple[str, ...]:
        return tuple(self.first_of)

    def value(self, cells: Cells) -> object:
        return next((cells[name] for name in self.first_of if cells[name] is not None), None)


class Earliest(Part):
    """The smallest of these columns (times or numbers); empty ones are passed over."""

    earliest: Annotated[list[Name], Field(min_length=1)]

    def columns(self) -> tuple[str, ...]:
        return tuple(self.earliest)

    def value(self, cells: Cells) -> int | None:
        return min(_numbers(cells, self.earliest), default=None)


class Latest(Part):
    """The greatest of these columns (times or numbers); empty ones are passed over."""

    latest: Annotated[list[Name], Field(min_length=1)]

    def columns(self) -> tuple[str, ...]:
        return tuple(self.latest)

    def value(self, cells: Cells) -> int | None:
        return max(_numbers(cells, self.latest), default=None)


class Elapsed(Part):
    """Milliseconds from the first time column to the second; empty if one of them is empty."""

    elapsed: Annotated[list[Name], Field(min_length=2, max_length=2)]

    def columns(self) -> tuple[str, ...]:
        return tuple(self.elapsed)

    def value(self, cells: Cells) -> int | None:
        found = _numbers(cells, self.elapsed)
        return found[1] - found[0] if len(found) == 2 else None


class Translated(Part):
    """A column's value replaced by a table; ``otherwise`` for what the table does not hold."""

    translate: Name
    values: Annotated[dict[str, Scalar], Field(min_length=1)]
    otherwise: Scalar | None = None

    def columns(self) -> tuple[str, ...]:
        return (self.translate,)

    def value(self, cells: Cells) -> object:
        cell = cells[self.translate]
        return None if cell is None else self.values.get(str(cell), self.otherwise)


def _numbers(cells: Cells, names: list[str]) -> list[int]:
    return [value for value in map(cells.__getitem__, names) if isinstance(value, int)]


FORMS: Final = {
    "column": Column,
    "constant": Constant,
    "template": Template,
    "first_of": FirstOf,
    "earliest": Earliest,
    "latest": Latest,
    "elapsed": Elapsed,
    "translate": Translated,
}


def _form(value: object) -> str | None:
    if isinstance(value, str):
        return "name"
    if isinstance(value, dict):
        return next((key for key in FORMS if key in value), None)
    return next((key for key, form in FORMS.items() if isinstance(value, form)), None)


Value = Annotated[
    Annotated[Name, Tag("name")]
    | Annotated[Column, Tag("column")]
    | Annotated[Constant, Tag("constant")]
    | Annotated[Template, Tag("template")]
    | Annotated[FirstOf, Tag("first_of")]
    | Annotated[Earliest, Tag("earliest")]
    | Annotated[Latest, Tag("latest")]
    | Annotated[Elapsed, Tag("elapsed")]
    | Annotated[Translated, Tag("translate")],
    Discriminator(
        _form,
        custom_error_type="no_value",
        custom_error_message="is no value: write the name of a column, or one of "
        + ", ".join(f"{{{key}: ...}}" for key in FORMS),
    ),
]
"""A column's name alone, or one of the forms of `FORMS`."""


def columns_of(value: Value) -> tuple[str, ...]:
    """The columns that a value reads."""
    return (value,) if isinstance(value, str) else value.columns()


def evaluate(value: Value, cells: Cells) -> object:
    """A value on one row: None where it is empty."""
    return cells[value] if isinstance(value, str) else value.value(cells)
