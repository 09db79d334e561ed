"""Reads a mapping and finds its mistakes before a row is read."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from deploy.replay import conditions, values
from deploy.replay.conditions import Clock, Compared, Condition, Grows, walk
from deploy.replay.errors import FileError, MappingError, Problem
from deploy.replay.located_yaml import LocatedYaml
from deploy.replay.mapping import ColumnRule, EventRule, Guard, LogFile, Mapping
from deploy.replay.values import Constant, Earliest, Elapsed, Latest, Value
from shared.contracts.events import event_models

Place = tuple[str | int, ...]
KNOWN_KEYS: Final = sorted(
    {
        field.alias or name
        for part in (Mapping, LogFile, ColumnRule, Guard, EventRule)
        for name, field in part.model_fields.items()
    }
    | set(conditions.FORMS)
    | set(values.FORMS)
)


@dataclass(frozen=True)
class LoadedMapping:
    """A mapping that can be used, and the digest of its text (the resume point depends on it)."""

    mapping: Mapping
    digest: str


def load_mapping(file: Path) -> LoadedMapping:
    """Read and check a mapping; raises `MappingError` with all problems, or `FileError`."""
    try:
        raw = file.read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise FileError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MappingError([Problem(file, 1, "mapping", "is not UTF-8: save it so")]) from error
    return LoadedMapping(parse_mapping(file, text), hashlib.sha256(raw).hexdigest())


def parse_mapping(file: Path, text: str) -> Mapping:
    """Check the text of a mapping; raises `MappingError` with all problems."""
    document = LocatedYaml(file, text)
    if not isinstance(document.value, dict):
        raise MappingError([Problem(file, 1, "mapping", "is empty: see docs/mapping.md")])
    try:
        mapping = Mapping.model_validate(document.value)
    except ValidationError as error:
        raise MappingError(located(document, error)) from error
    found = [
        Problem(file, document.line(place), document.key(place), message)
        for place, message in _contradictions(mapping)
    ]
    if found:
        raise MappingError(_once(found))
    return mapping


def located(document: LocatedYaml, error: ValidationError) -> list[Problem]:
    """What Pydantic found, with the lines of the document."""
    return _once([_problem(document, details) for details in error.errors()])


def _problem(document: LocatedYaml, details: ErrorDetails) -> Problem:
    place = details["loc"]
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        message = _unknown_key(str(place[-1]))
    elif details["type"] == "missing":
        message = f"needs the key {place[-1]}"
    return Problem(document.file, document.line(place), document.key(place), message)


def _unknown_key(key: str) -> str:
    close = difflib.get_close_matches(key, KNOWN_KEYS, n=1)
    return f"is no key here{f': did you mean {close[0]}?' if close else ': see docs/mapping.md'}"


def _once(problems: Sequence[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _contradictions(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    """What the shape alone cannot say: unknown columns, wrong types, fields unknown to events."""
    yield from _columns(mapping)
    yield from _references(mapping)
    for place, condition in mapping.conditions():
        yield from _typed_condition(mapping, place, condition)
    for name, rule in mapping.events.items():
        yield from _event(mapping, name, rule)


def _columns(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    for name, rule in mapping.columns.items():
        for used in rule.templated():
            if used not in mapping.columns:
                yield ("columns", name, "template"), _no_column(mapping, used)
            elif mapping.columns[used].template is not None:
                yield (
                    ("columns", name, "template"),
                    f"uses {used}, which is a template itself: use plain columns",
                )
        header = mapping.file.header
        if header is not None and rule.from_ is not None and rule.from_ not in header:
            yield ("columns", name, "from"), "is not in file.header: add it there"


def _references(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    places: list[tuple[Place, str]] = [(("case",), name) for name in mapping.case_columns]
    places += [(("order", index), name) for index, name in enumerate(mapping.order)]
    for place, condition in mapping.conditions():
        places += [(place, name) for name in conditions.columns_of(condition)]
    for place, value in _values(mapping):
        places += [(place, name) for name in values.columns_of(value)]
    for name, rule in mapping.events.items():
        places += [(("events", name, "id"), column) for column in rule.id or ()]
        if rule.one_per_growth_of is not None:
            places.append((("events", name, "one_per_growth_of"), rule.one_per_growth_of))
    for place, column in places:
        if column not in mapping.columns:
            yield place, _no_column(mapping, column)


def _values(mapping: Mapping) -> Iterator[tuple[Place, Value]]:
    if mapping.subject is not None:
        yield ("subject",), mapping.subject
    for name, rule in mapping.events.items():
        yield ("events", name, "time"), rule.time
        for field, value in rule.data.items():
            yield ("events", name, "data", field), value


def _no_column(mapping: Mapping, column: str) -> str:
    close = difflib.get_close_matches(column, list(mapping.columns), n=1)
    hint = f"did you mean {close[0]}?" if close else "declare it under columns"
    return f"names the column {column!r}, which the mapping does not have: {hint}"


def _typed_condition(
    mapping: Mapping, place: Place, condition: Condition
) -> Iterator[tuple[Place, str]]:
    for part in walk(condition):
        if isinstance(part, Grows):
            yield from _expect(mapping, place, part.columns(), ("integer",))
        elif isinstance(part, Clock):
            yield from _expect(mapping, place, part.columns(), ("time",))
        elif isinstance(part, Compared):
            numeric = ("integer", "number", "time", "duration")
            yield from _expect(mapping, place, part.columns(), numeric)


def _expect(
    mapping: Mapping, place: Place, columns: Sequence[str], types: tuple[str, ...]
) -> Iterator[tuple[Place, str]]:
    for column in columns:
        rule = mapping.columns.get(column)
        if rule is not None and rule.type not in types:
            yield place, f"needs the column {column} to have type {' or '.join(types)}"


def _event(mapping: Mapping, name: str, rule: EventRule) -> Iterator[tuple[Place, str]]:
    place: Place = ("events", name)
    if isinstance(rule.time, str | Earliest | Latest):
        yield from _expect(mapping, (*place, "time"), values.columns_of(rule.time), ("time",))
    else:
        yield (
            (*place, "time"),
            "must be a time column, {earliest: [...]} or {latest: [...]}",
        )
    if rule.one_per_growth_of is not None:
        counter = (rule.one_per_growth_of,)
        yield from _expect(mapping, (*place, "one_per_growth_of"), counter, ("integer",))
    for field, value in rule.data.items():
        if isinstance(value, Elapsed):
            yield from _expect(mapping, (*place, "data", field), value.columns(), ("time",))
    yield from _contract(place, rule)


def _contract(place: Place, rule: EventRule) -> Iterator[tuple[Place, str]]:
    models = event_models()
    if rule.type not in models:
        close = difflib.get_close_matches(rule.type, list(models), n=1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(models)}"
        yield (*place, "type"), f"{rule.type!r} is no event type: {hint}"
        return
    fields = _data_fields(rule.type)
    for field in rule.data:
        if field not in fields:
            known = ", ".join(fields) or "none"
            yield (*place, "data", field), f"is no data field of {rule.type} (it has: {known})"
    for field, required in fields.items():
        given = rule.data.get(field)
        if required and (given is None or given == Constant(constant=None)):
            yield (*place, "type"), f"{rule.type} needs data.{field}: map it"


def _data_fields(event_type: str) -> dict[str, bool]:
    """The data fields of an event type, and whether each is required."""
    model = event_models()[event_type].model_fields["data"].annotation
    fields = getattr(model, "model_fields", {})
    return {name: field.is_required() for name, field in fields.items()}
