"""Scopes: what a figure speaks of, and the text form that keys, URLs and logs use."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args
from urllib.parse import quote, unquote

ScopeKind = Literal["organisation", "department", "team", "employee", "channel", "category"]
SCOPE_KINDS: Final[tuple[ScopeKind, ...]] = get_args(ScopeKind)
"""The wire form of a kind is its place in this tuple: append only."""

_ACROSS_DEPARTMENTS: Final[dict[str, ScopeKind]] = {"channel": "channel", "category": "category"}
_IN_DEPARTMENT: Final[dict[str, ScopeKind]] = {"team": "team", "employee": "employee"}


ScopeName = tuple[str, int, str]
"""A scope in short: the department that it lies in (or ""), the place of its kind in SCOPE_KINDS,
and its id."""


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
        try:
            return _parse(key)
        except (ValueError, KeyError):
            raise ScopeError(
                f"{key!r} is no scope: use organisation, department:D, team:D/T, employee:D/E, "
                "channel:C or category:K"
            ) from None


def _parse(key: str) -> Scope:
    if key == "organisation":
        return ORGANISATION
    kind, _, rest = key.partition(":")
    holder, *members = (_name(part) for part in rest.split("/"))
    if kind == "department" and not members:
        return department(holder)
    if kind in _ACROSS_DEPARTMENTS and not members:
        return Scope(_ACROSS_DEPARTMENTS[kind], "", holder)
    (member,) = members
    return Scope(_IN_DEPARTMENT[kind], holder, member)


def _name(quoted: str) -> str:
    if not quoted:
        raise ValueError("a name is empty")
    return unquote(quoted, errors="strict")


ORGANISATION: Final = Scope("organisation", "", "")


def department(name: str) -> Scope:
    """The scope of a department."""
    return Scope("department", name, name)
