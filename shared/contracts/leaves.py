"""Leaves: the narrowest that measurements are summed up for; scopes are sums of them.

A measurement counts in two: one says who held the ticket, the other how it came in. A scope is the
sum of leaves of one sort, so nothing is counted twice.
"""

from __future__ import annotations

from typing import Final

from shared.contracts.scopes import SCOPE_KINDS, ScopeName

LeafName = tuple[str, str, str]
"""A department, a team and an employee; or "", a channel and a category. A part that is not known
is "" too."""

WHOLE: Final[LeafName] = ("", "", "")
"""What came in by no known channel and is of no known category."""

_ORGANISATION: Final = SCOPE_KINDS.index("organisation")
_DEPARTMENT: Final = SCOPE_KINDS.index("department")
_ACROSS: Final = (SCOPE_KINDS.index("channel"), SCOPE_KINDS.index("category"))
_WITHIN: Final = (SCOPE_KINDS.index("team"), SCOPE_KINDS.index("employee"))


def scopes_of(leaf: LeafName) -> list[ScopeName]:
    """The scopes that a leaf counts in: the organisation, a channel and a category, or a
    department, a team and an employee."""
    department, *parts = leaf
    if department:
        whole, kinds = (department, _DEPARTMENT, department), _WITHIN
    else:
        whole, kinds = ("", _ORGANISATION, ""), _ACROSS
    known = zip(kinds, parts, strict=True)
    return [whole, *((department, kind, part) for kind, part in known if part)]
