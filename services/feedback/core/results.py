"""Results of employees over a period: what is published, and when two are the same."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from shared.contracts.figures import Figure
from shared.contracts.indicators import INDICATORS

State = Literal["provisional", "final"]


class Name(msgspec.Struct, frozen=True):
    """The same in both languages."""

    en: str
    zh: str


class EmployeeFigures(msgspec.Struct, frozen=True):
    """What scoring says of one employee."""

    department: str
    team: str
    employee: str
    figures: list[Figure]


class PeriodResults(msgspec.Struct, frozen=True):
    """What scoring says of a period: the answer of ``/v1/periods/{period}/employees``."""

    period: str
    zone: str
    start_ms: int
    end_ms: int
    closed: bool
    rule_version: str
    items: list[EmployeeFigures]

    @property
    def state(self) -> State:
        """Of an open period everything is provisional."""
        return "final" if self.closed else "provisional"


class NamedFigure(Figure, kw_only=True):
    """A figure with its indicator's name and unit, as a user sees it."""

    name: Name
    unit: str


def encode_figures(figures: list[Figure]) -> bytes:
    """JSON by which figures are stored: the same figures give the same bytes."""
    return msgspec.json.encode(sorted(figures, key=lambda figure: figure.indicator))


def digest(results: PeriodResults, item: EmployeeFigures, figures: bytes) -> bytes:
    """What distinguishes one revision from the next: everything but who published it and when."""
    content = [results.state, results.rule_version, item.team, figures]
    return hashlib.blake2b(msgspec.msgpack.encode(content), digest_size=16).digest()


def named(figures: bytes) -> list[NamedFigure]:
    """Stored figures as a user sees them."""
    return [_named(figure) for figure in msgspec.json.decode(figures, type=list[Figure])]


def _named(figure: Figure) -> NamedFigure:
    known = INDICATORS.get(figure.indicator)
    fields = {name: getattr(figure, name) for name in Figure.__struct_fields__}
    name = Name(known.name.en, known.name.zh) if known else Name(*(figure.indicator,) * 2)
    return NamedFigure(**fields, name=name, unit=known.unit if known else "")
