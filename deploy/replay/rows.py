"""Reads the log: CSV, plain or gzipped, one record at a time, whatever it holds."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from deploy.replay.cells import CellError, make_reader
from deploy.replay.errors import FileError
from deploy.replay.mapping import ColumnRule, LogFile, Mapping
from deploy.replay.values import PLACEHOLDER, Cell

GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class Record:
    """One record as the file has it. ``line`` is where it starts, ``row`` counts records from 1."""

    line: int
    row: int
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Reject:
    """Something that cannot be used, and why. ``event`` names the rule if one event is meant."""

    line: int
    row: int
    reason: str
    event: str = ""
    record: Sequence[object] = ()


class LogReader:
    """The records of a log. Raises `FileError` if it cannot be opened or ends too early."""

    def __init__(self, path: Path, form: LogFile) -> None:
        self._path = path
        self._form = form
        self.header: tuple[str, ...] = ()

    def records(self, progress: Callable[[int], None]) -> Iterator[Record | Reject]:
        """All records in the order of the file; ``progress`` hears how many bytes were read."""
        try:
            with self._path.open("rb") as raw:
                yield from self._parse(raw, progress)
        except (EOFError, gzip.BadGzipFile) as error:
            raise FileError(f"{self._path}: the gzip data is damaged or cut short") from error
        except UnicodeError as error:
            raise FileError(
                f"{self._path}: is not {self._form.encoding}: set file.encoding ({error})"
            ) from error
        except OSError as error:
            raise FileError(f"{self._path}: cannot be read: {error.strerror}") from error

    def _parse(self, raw: BinaryIO, progress: Callable[[int], None]) -> Iterator[Record | Reject]:
        magic = raw.read(len(GZIP_MAGIC))
        raw.seek(0)
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if magic == GZIP_MAGIC else raw
        with io.TextIOWrapper(
            stream, encoding=self._form.encoding, errors="surrogateescape", newline=""
        ) as text:
            reader = csv.reader(
                text,
                delimiter=self._form.delimiter,
                quotechar=self._form.quote,
                quoting=csv.QUOTE_MINIMAL if self._form.quote else csv.QUOTE_NONE,
            )
            self.header = self._header(reader)
            for row, item in enumerate(_numbered(reader), start=1):
                if row % 1000 == 0:
                    progress(raw.tell())
                yield self._record(row, *item)
            progress(raw.tell())

    def _header(self, reader: Iterator[list[str]]) -> tuple[str, ...]:
        if self._form.header is not None:
            return tuple(self._form.header)
        try:
            header = tuple(next(reader))
        except (StopIteration, csv.Error) as error:
            raise FileError(f"{self._path}: has no header line") from error
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise FileError(f"{self._path}: the header names {', '.join(twice)} more than once")
        return header

    def _record(self, row: int, line: int, fields: Sequence[str], damage: str) -> Record | Reject:
        if not damage and len(fields) != len(self.header):
            damage = f"has {len(fields)} fields, the header has {len(self.header)}"
        if not damage and any("\x00" in field for field in fields):
            damage = "holds a NUL character"
        if not damage and any(not _encodable(field) for field in fields):
            damage = f"holds bytes that are not {self._form.encoding}"
        if damage:
            shown = tuple(field.encode("utf-8", "replace").decode() for field in fields)
            return Reject(line, row, f"the row {damage}", record=shown)
        return Record(line, row, tuple(fields))


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str], str]]:
    """Every record with the line that it starts on, and what is wrong with it."""
    lines = cast("_Lines", reader)
    while True:
        line = lines.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], f"is no CSV ({error})"
            continue
        if fields:
            yield line, fields, ""


class _Lines:
    line_num: int


def _encodable(text: str) -> bool:
    """False for the marks that undecodable bytes leave behind."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


@dataclass(frozen=True)
class Row:
    """One record read by the mapping's columns."""

    line: int
    row: int
    cells: dict[str, Cell]


class RowReader:
    """Turns records into rows. Raises `FileError` if the file lacks a column of the mapping."""

    def __init__(self, mapping: Mapping, header: Sequence[str]) -> None:
        places = {name: place for place, name in enumerate(header)}
        missing = sorted(
            rule.from_
            for rule in mapping.columns.values()
            if rule.from_ is not None and rule.from_ not in places
        )
        if missing:
            raise FileError(
                f"the file has no column {', '.join(map(repr, missing))}; "
                f"it has: {', '.join(map(repr, header))}"
            )
        nulls = frozenset(mapping.nulls)
        self._columns = [
            _Column(name, rule, places, nulls, mapping.zone)
            for name, rule in mapping.columns.items()
        ]
        self._needed = tuple(
            name for name, rule in mapping.columns.items() if rule.required
        ) + tuple(name for name in mapping.case_columns if not mapping.columns[name].required)

    def read(self, record: Record) -> Row | Reject:
        """The row, or why it cannot be used."""
        cells: dict[str, Cell] = {}
        try:
            for column in self._columns:
                cells[column.name] = column.read(record.fields)
        except CellError as error:
            return Reject(record.line, record.row, str(error), record=record.fields)
        for column in self._columns:
            if column.rule.template is not None:
                cells[column.name] = _fill(column.rule.template, cells)
        for name in self._needed:
            if cells[name] is None:
                return Reject(record.line, record.row, f"{name} is empty", record=record.fields)
        return Row(record.line, record.row, cells)


class _Column:
    def __init__(
        self,
        name: str,
        rule: ColumnRule,
        places: dict[str, int],
        nulls: frozenset[str],
        zone: str,
    ) -> None:
        self.name = name
        self.rule = rule
        self._place = None if rule.from_ is None else places[rule.from_]
        self._nulls = nulls | frozenset(rule.nulls)
        self._convert = make_reader(rule, zone)

    def read(self, fields: Sequence[str]) -> Cell:
        if self._place is None:
            return self.rule.constant
        text = fields[self._place].strip()
        if text in self._nulls or not text:
            return self.rule.default
        if text in self.rule.values:
            return self.rule.values[text]
        try:
            return self._convert(text)
        except CellError as error:
            raise CellError(f"{self.name}: {text[:80]!r} {error}") from error


def _fill(template: str, cells: dict[str, Cell]) -> str | None:
    names = PLACEHOLDER.findall(template)
    if any(cells[name] is None for name in names):
        return None
    return PLACEHOLDER.sub(lambda found: str(cells[found.group(1)]), template)
