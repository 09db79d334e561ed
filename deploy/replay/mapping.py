"""The mapping language, version 1: how the rows of a log become events.

A mapping is data: it holds no code, and reading it runs none. `deploy.replay.loading` reads it
from YAML and reports every mistake with its line; docs/mapping.md explains it with examples.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from deploy.replay.conditions import Condition, First, walk
from deploy.replay.values import PLACEHOLDER, Name, Part, Scalar, Value

NAMED_FORMATS: Final = ("iso8601", "unix_seconds", "unix_milliseconds")
UNIT_MS: Final = {"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000}


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError(
            "is no time zone: use an IANA name such as Asia/Shanghai, or UTC"
        ) from error
    return name


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ValueError("is no encoding: use utf-8, utf-8-sig, gb18030, latin-1, ...") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]
RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class LogFile(Part):
    """How the file is written. Gzip is recognised by itself."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = '"'
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8-sig"
    header: list[str] | None = Field(
        None, description="Names of the columns, for a file without a header line"
    )


class ColumnRule(Part):
    """How one column is read. Exactly one of ``from``, ``constant``, ``template``."""

    from_: Name | None = Field(None, alias="from", description="The column's name in the file")
    constant: Scalar | None = None
    template: str | None = None
    type: Literal["text", "integer", "number", "time", "duration"] = "text"
    required: bool = Field(False, description="A row without it is rejected")
    default: Scalar | None = Field(None, description="Used where the column is empty")
    nulls: list[str] = Field(default_factory=list, description="More marks of an empty value")
    values: dict[str, Scalar] = Field(
        default_factory=dict, description="Replaces what was read; other values stay"
    )
    carry: bool = Field(False, description="An empty value means: as on the row before in the case")
    formats: list[str] = Field(
        default_factory=list,
        description="For type time, tried in order: strptime formats, or "
        + ", ".join(NAMED_FORMATS),
    )
    zone: Zone | None = Field(None, description="Of times without a zone; else the mapping's")
    day_only: Literal["start", "end"] = Field(
        "start", description="Where in the day a date without a time of day lies"
    )
    unit: Literal["milliseconds", "seconds", "minutes", "hours"] = Field(
        "seconds", description="For type duration; the value becomes milliseconds"
    )

    @model_validator(mode="after")
    def _consistent(self) -> ColumnRule:
        origins = [self.from_, self.constant, self.template]
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("needs exactly one of from, constant and template")
        if self.from_ is None and self.type != "text":
            raise ValueError("a constant or template has no type: remove type")
        if self.type == "time" and not self.formats:
            raise ValueError(
                "needs formats: strptime formats such as '%d/%m/%Y %H:%M', or "
                + ", ".join(NAMED_FORMATS)
            )
        if self.type != "time" and self.formats:
            raise ValueError("has formats, which only type: time uses: add type: time")
        return self

    def templated(self) -> tuple[str, ...]:
        return () if self.template is None else tuple(PLACEHOLDER.findall(self.template))


class Guard(Part):
    """A condition with the reason that the reader of the summary sees."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]
    when: Condition


class EventRule(Part):
    """When a row makes an event, and which one."""

    type: str
    when: Condition = "every_row"
    unless: list[Guard] = Field(
        default_factory=list, description="No event, although `when` holds; counted by reason"
    )
    one_per_growth_of: Name | None = Field(
        None, description="As many events as this counter grew by, instead of one"
    )
    growth_from: int | None = Field(
        None, description="What the counter starts from, for the growth on a case's first row"
    )
    time: Value
    id: list[Name] | None = Field(
        None, description="Columns that go into the event's id, beside case and rule"
    )
    data: dict[str, Value] = Field(default_factory=dict)


class Mapping(Part):
    """A whole mapping."""

    version: Literal[1]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
    description: str = ""
    source: Annotated[str, Field(min_length=1, max_length=200)]
    file: LogFile = Field(default_factory=LogFile)
    zone: Zone = "UTC"
    nulls: list[str] = Field(
        default_factory=lambda: [""], description="Marks of an empty value, in every column"
    )
    columns: Annotated[dict[Name, ColumnRule], Field(min_length=1)]
    case: Annotated[list[Name], Field(min_length=1)] | Name = Field(
        description="The columns that name the ticket"
    )
    subject: Value | None = Field(None, description="The ticket's id; else the case")
    order: list[Name] = Field(
        default_factory=list, description="Order of a case's rows; then their order in the file"
    )
    reject: list[Guard] = Field(default_factory=list, description="Rows that cannot be used")
    same_instant: Literal["step", "keep"] = Field(
        "step", description="Whether equal times within a case move by 1 ms to keep their order"
    )
    events: Annotated[dict[RuleName, EventRule], Field(min_length=1)]

    @property
    def case_columns(self) -> tuple[str, ...]:
        return (self.case,) if isinstance(self.case, str) else tuple(self.case)

    def conditions(self) -> Iterator[tuple[tuple[str | int, ...], Condition]]:
        """Every condition with its place in the document."""
        for index, guard in enumerate(self.reject):
            yield ("reject", index, "when"), guard.when
        for name, rule in self.events.items():
            yield ("events", name, "when"), rule.when
            for index, guard in enumerate(rule.unless):
                yield ("events", name, "unless", index, "when"), guard.when

    def in_zone(self, zone: str) -> Mapping:
        """The same mapping for times of another zone; raises ``ValueError``."""
        try:
            return self.model_copy(update={"zone": _zone(zone)})
        except ValueError as error:
            raise ValueError(f"{zone!r} {error}") from error

    def firsts(self) -> list[First]:
        """The ``first`` conditions anywhere in the mapping."""
        return [
            part
            for _, condition in self.conditions()
            for part in walk(condition)
            if isinstance(part, First)
        ]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the mapping language."""
    return Mapping.model_json_schema(by_alias=True)
