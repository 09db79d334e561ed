"""Scopes: the text form names each scope once, and only scopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.scopes import ORGANISATION, SCOPE_KINDS, Scope, ScopeError, department
from tests.unit.contracts.event_strategies import names

_across = st.builds(Scope, st.sampled_from(["channel", "category"]), st.just(""), names)
_within = st.builds(Scope, st.sampled_from(["team", "employee"]), names, names)
scopes = st.just(ORGANISATION) | names.map(department) | _across | _within


@given(scopes)
def test_a_scope_is_read_back_from_its_key(scope: Scope) -> None:
    assert Scope.parse(scope.key) == scope


@given(scopes, scopes)
def test_two_scopes_never_share_a_key(one: Scope, other: Scope) -> None:
    assert (one.key == other.key) == (one == other)


@given(scopes)
def test_a_key_is_safe_in_a_path_and_a_query(scope: Scope) -> None:
    kind, _, rest = scope.key.partition(":")
    assert kind in SCOPE_KINDS
    assert rest.isascii()
    assert not set(rest) & set(" ?#&=+|:\\\"'<>")
    assert rest.count("/") == (scope.kind in ("team", "employee"))


@given(scopes)
def test_a_group_is_the_department_or_else_the_organisation(scope: Scope) -> None:
    owner = department(scope.department) if scope.department else ORGANISATION
    assert scope.group == owner.key


@given(st.text())
def test_any_text_is_a_scope_or_is_refused_as_none(text: str) -> None:
    try:
        scope = Scope.parse(text)
    except ScopeError:
        return
    assert scope.kind in SCOPE_KINDS
    assert Scope.parse(scope.key) == scope


@pytest.mark.parametrize(
    "text",
    [
        "",
        "organisation:",
        "organisation:x",
        "Organisation",
        "department",
        "department:",
        "department:a/b",
        "team:a",
        "team:a/",
        "team:/b",
        "team:a/b/c",
        "employee:a",
        "channel:",
        "channel:a/b",
        "category:",
        "position:a",
        "department:%FF",
        "team:a/%ED%A0%80",
    ],
)
def test_what_names_no_scope_is_refused(text: str) -> None:
    with pytest.raises(ScopeError, match="is no scope"):
        Scope.parse(text)


def test_the_wire_form_of_a_kind_never_changes() -> None:
    assert SCOPE_KINDS[:6] == (
        "organisation",
        "department",
        "team",
        "employee",
        "channel",
        "category",
    )
