"""A page of the scoreboard is kept as long as it is right, and no longer."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.api.boards import MAX_PAGES, BoardPage, Boards
from services.scoring.api.score_store import ScoreFilter, ScoreStore
from shared.contracts.figures import WINDOWS, WindowName
from shared.contracts.scopes import SCOPE_KINDS
from tests.unit.scoring.api.records import score_bytes

SCOPES = (
    *("organisation", "department:it", "department:a%2Fb", "team:it/x"),
    *("employee:it/ann", "employee:it/bo", "employee:a%2Fb/cy", "channel:mail"),
)
OF_IT = ScoreFilter(frozenset({"employee"}), frozenset({"1h"}), "it")


def put(store: ScoreStore, scope: str, window: WindowName = "1h", score: float = 1.0) -> None:
    store.apply(f"{scope}|{window}", score_bytes(scope, window, score=score))


def filled() -> ScoreStore:
    store = ScoreStore()
    for scope in SCOPES:
        put(store, scope)
    return store


class Change(NamedTuple):
    scope: str
    window: WindowName
    score: float | None
    """None removes the record."""


changes = st.builds(
    Change,
    st.sampled_from(SCOPES),
    st.sampled_from(WINDOWS[:3]),
    st.one_of(st.none(), st.sampled_from((1.0, 2.0))),
)
questions = st.tuples(
    st.builds(
        ScoreFilter,
        st.frozensets(st.sampled_from(SCOPE_KINDS)),
        st.frozensets(st.sampled_from(WINDOWS[:3])),
        st.sampled_from(("", "it", "a/b", "nowhere")),
        st.sampled_from(("", "", "employee:it/ann")),
    ),
    st.integers(1, 4),
    st.sampled_from((None, None, "department:it", "employee:it/ann")),
)


@given(st.lists(questions, min_size=1, max_size=4), st.lists(changes, max_size=12))
def test_a_kept_page_is_what_would_be_encoded_now(
    asked: list[tuple[ScoreFilter, int, str | None]], made: list[Change]
) -> None:
    store = filled()
    boards = Boards(store)
    for scope, window, score in made:
        for question in asked:
            boards.page(*question)
        if score is None:
            store.apply(f"{scope}|{window}", None)
        else:
            put(store, scope, window, score)
        for question in asked:
            kept, fresh = boards.page(*question), Boards(store).page(*question)
            assert (kept.items, kept.tag) == (fresh.items, fresh.tag)


@pytest.mark.parametrize(
    ("scope", "window"),
    [("employee:a%2Fb/cy", "1h"), ("employee:it/ann", "5m"), ("department:it", "1h")],
)
def test_what_a_page_does_not_show_leaves_it_as_it_is(scope: str, window: WindowName) -> None:
    store = filled()
    boards = Boards(store)
    page = boards.page(OF_IT, 10, None)
    put(store, scope, window, 2.0)
    assert boards.page(OF_IT, 10, None) is page


def test_replicas_agree_on_validators() -> None:
    there = ScoreStore()
    for scope in reversed(SCOPES):
        put(there, scope, score=7.0)
        put(there, scope)
    wanted = ScoreFilter()
    assert Boards(there).page(wanted, 3, None).tag == Boards(filled()).page(wanted, 3, None).tag


def test_only_the_pages_asked_for_last_are_kept() -> None:
    boards = Boards(filled())

    def page(limit: int) -> BoardPage:
        return boards.page(ScoreFilter(), limit, None)

    first, second = page(1), page(2)
    for limit in range(3, MAX_PAGES + 1):
        page(limit)
    assert page(1) is first
    page(MAX_PAGES + 1)
    assert page(1) is first
    assert page(2) is not second
