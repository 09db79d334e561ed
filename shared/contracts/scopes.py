"""Scopes: what a figure speaks of, and the text form that keys, URLs and logs use."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args
from urllib.parse import quote, unquote

ScopeKind = Literal["organisation", "department", "team", "employee", "channel", "category"]
SCOPE_KINDS: Final[tuple[ScopeKind, ...]] = get_args(ScopeKind)
"""The wire form of a kind is its place in this tuple: append only."""

_ACROSS_DEPARTMENTS: Final[dict[str, ScopeKind]] = {"channel": "channel", "category": "category"}
_IN_DEPARTMENT: Final[dict[str, ScopeKind]] = {"team": "team", "employee": "employee"}


class ScopeError(ValueError):
    """The text names no scope."""


class Scope(NamedTuple):
    """A kind, the department it lies in (or ""), and the id within it.

    An employee who works for two departments has a scope in each: figures are judged by the
    standard of the department that they were earned in.
    """

    kind: ScopeKind
    department: str
    id: str

    @property
    def key(self) -> str:
        """``organisation``, ``department:D``, ``team:D/T``, ``employee:D/E``, ``channel:C``,
        ``category:K``; names are percent-quoted."""
        if self.kind == "organisation":
            return "organisation"
        if self.kind in ("team", "employee"):
            return f"{self.kind}:{quote(self.department, safe='')}/{quote(self.id, safe='')}"
        return f"{self.kind}:{quote(self.id, safe='')}"

    @property
    def group(self) -> str:
        """The key of the department's (or the organisation's) panes: one worker owns a group."""
        if self.department:
            return f"department:{quote(self.department, safe='')}"
        return "organisation"

    @classmethod
    def parse(cls, key: str) -> Scope:
        """The inverse of `key`; raises `ScopeError`."""
        kind, _, rest = key.partition(":")
        if kind == "organisation" and not rest:
            return ORGANISATION
        if kind in _ACROSS_DEPARTMENTS and rest and "/" not in rest:
            return cls(_ACROSS_DEPARTMENTS[kind], "", unquote(rest))
        if kind == "department" and rest and "/" not in rest:
            return department(unquote(rest))
        if kind in _IN_DEPARTMENT and rest.count("/") == 1:
            holder, _, member = rest.partition("/")
            if holder and member:
                return cls(_IN_DEPARTMENT[kind], unquote(holder), unquote(member))
        raise ScopeError(
            f"{key!r} is no scope: use organisation, department:D, team:D/T, employee:D/E, "
            "channel:C or category:K"
        )


ORGANISATION: Final = Scope("organisation", "", "")


def department(name: str) -> Scope:
    """The scope of a department."""
    return Scope("department", name, name)
