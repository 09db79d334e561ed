"""The stores hold the latest of everything, and page through it without gaps."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.api.breach_store import BreachStore
from services.scoring.api.score_store import ScoreFilter, ScoreStore, with_indicators
from shared.contracts.figures import WINDOWS, TargetVerdict, Verdict, WindowName, encode_score
from shared.contracts.scopes import SCOPE_KINDS, ScopeError
from tests.unit.scoring.api.records import breach, score_bytes, score_record

SCOPES = ("organisation", "department:it", "department:a%2Fb", "team:it/x", "employee:it/ann")
EVERYTHING = ScoreFilter()


def filled(*keys: tuple[str, WindowName]) -> ScoreStore:
    store = ScoreStore()
    for scope, window in keys:
        store.apply(f"{scope}|{window}", score_bytes(scope, window))
    return store


def keys(store: ScoreStore, wanted: ScoreFilter, limit: int = 100) -> list[str]:
    return [entry.key for entry in store.page(wanted, limit, None).entries]


def test_a_later_record_replaces_an_earlier_one() -> None:
    store = ScoreStore()
    store.apply("department:it|1h", score_bytes(csat=0.9))
    store.apply("department:it|1h", score_bytes(csat=0.1, stream_ms=2_000, rules="v2"))
    (entry,) = store.page(EVERYTHING, 10, None).entries
    assert entry.record().figures[0].value == 0.1
    assert (store.stream_ms, store.rule_version, len(store)) == (2_000, "v2", 1)


def test_stream_time_does_not_go_back() -> None:
    store = filled(("department:it", "1h"))
    store.apply("organisation|1h", score_bytes("organisation", stream_ms=5))
    assert store.stream_ms == 1_000


def test_an_empty_value_removes_the_record() -> None:
    store = filled(("department:it", "1h"), ("organisation", "1h"))
    store.apply("department:it|1h", None)
    store.apply("unknown|1h", None)
    assert keys(store, EVERYTHING) == ["organisation|1h"]


def test_records_come_in_the_order_of_kinds_scopes_and_windows() -> None:
    store = filled(
        ("employee:it/ann", "5m"),
        ("department:it", "30d"),
        ("department:it", "5m"),
        ("organisation", "7d"),
    )
    assert keys(store, EVERYTHING) == [
        "organisation|7d",
        "department:it|5m",
        "department:it|30d",
        "employee:it/ann|5m",
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ScoreFilter(kinds=frozenset({"department"})), {"department:it", "department:a%2Fb"}),
        (ScoreFilter(department="it"), {"department:it", "team:it/x", "employee:it/ann"}),
        (ScoreFilter(department="a/b"), {"department:a%2Fb"}),
        (ScoreFilter(scope="team:it/x"), {"team:it/x"}),
        (ScoreFilter(windows=frozenset({"5m"})), set()),
    ],
)
def test_filters_choose_what_is_shown(wanted: ScoreFilter, expected: set[str]) -> None:
    store = filled(*((scope, "1h") for scope in SCOPES))
    assert {key.removesuffix("|1h") for key in keys(store, wanted)} == expected


@given(
    st.lists(st.tuples(st.sampled_from(SCOPES), st.sampled_from(WINDOWS)), unique=True),
    st.integers(1, 7),
)
def test_pages_show_everything_once(present: list[tuple[str, WindowName]], limit: int) -> None:
    store = filled(*present)
    found: list[str] = []
    after: str | None = None
    while True:
        page = store.page(EVERYTHING, limit, after)
        found += [entry.key for entry in page.entries]
        after = page.next
        if after is None:
            break
    assert found == keys(store, EVERYTHING, 1000)
    assert sorted(found) == sorted(f"{scope}|{window}" for scope, window in present)


def board_rows(store: ScoreStore, wanted: ScoreFilter, limit: int = 100) -> list[Any]:
    return [msgspec.json.decode(row) for row in store.board(wanted, limit, None).rows]


def test_a_row_of_the_scoreboard_has_a_scopes_windows_in_order() -> None:
    store = filled(("employee:it/ann", "30d"), ("employee:it/ann", "5m"), ("department:it", "5m"))
    (row,) = board_rows(store, ScoreFilter(kinds=frozenset({"employee"})))
    assert row["scope"] == "employee:it/ann"
    assert list(row["windows"]) == ["5m", "30d"]
    assert row["windows"]["5m"] == {
        "score": 71.5,
        "provisional": True,
        "missed": 0,
        "breached": 0,
    }


def test_a_cell_of_the_scoreboard_counts_targets_that_are_missed_and_in_breach() -> None:
    record = score_record("employee:it/ann")
    verdicts: tuple[tuple[Verdict, bool], ...] = (
        ("missed", True),
        ("missed", False),
        ("met", False),
    )
    record.figures[0].targets = [
        TargetVerdict(target=f"t{place}", verdict=verdict, limit=1.0, breached=breached)
        for place, (verdict, breached) in enumerate(verdicts)
    ]
    store = ScoreStore()
    store.apply(record.key, encode_score(record))
    (row,) = board_rows(store, EVERYTHING)
    assert (row["windows"]["1h"]["missed"], row["windows"]["1h"]["breached"]) == (2, 1)


def test_a_row_of_the_scoreboard_follows_its_records() -> None:
    store = filled(("employee:it/ann", "5m"), ("employee:it/ann", "1h"))
    assert set(board_rows(store, EVERYTHING)[0]["windows"]) == {"5m", "1h"}
    store.apply("employee:it/ann|5m", score_bytes("employee:it/ann", "5m", score=12.0))
    assert board_rows(store, EVERYTHING)[0]["windows"]["5m"]["score"] == 12.0
    store.apply("employee:it/ann|5m", None)
    assert set(board_rows(store, EVERYTHING)[0]["windows"]) == {"1h"}
    store.apply("employee:it/ann|1h", None)
    assert board_rows(store, EVERYTHING) == []


def test_a_scope_without_the_wanted_windows_has_no_row() -> None:
    store = filled(("employee:it/ann", "5m"), ("employee:it/bo", "1h"))
    rows = board_rows(store, ScoreFilter(windows=frozenset({"1h"})))
    assert [(row["scope"], list(row["windows"])) for row in rows] == [("employee:it/bo", ["1h"])]


@given(
    st.lists(st.tuples(st.sampled_from(SCOPES), st.sampled_from(WINDOWS)), unique=True),
    st.integers(1, 4),
)
def test_pages_of_the_scoreboard_show_every_scope_once(
    present: list[tuple[str, WindowName]], limit: int
) -> None:
    store = filled(*present)
    found: list[str] = []
    after: str | None = None
    while True:
        board = store.board(EVERYTHING, limit, after)
        found += [msgspec.json.decode(row)["scope"] for row in board.rows]
        after = board.next
        if after is None:
            break
    assert len(found) == len(set(found))
    assert set(found) == {scope for scope, _ in present}


@given(
    st.lists(st.tuples(st.sampled_from(SCOPES), st.sampled_from(WINDOWS)), unique=True),
    st.builds(
        ScoreFilter,
        st.frozensets(st.sampled_from(SCOPE_KINDS)),
        st.frozensets(st.sampled_from(WINDOWS)),
        st.sampled_from(("", "it", "a/b", "nowhere")),
        st.sampled_from(("", *SCOPES, "team:no/where")),
    ),
)
def test_a_page_has_what_its_filter_matches(
    present: list[tuple[str, WindowName]], wanted: ScoreFilter
) -> None:
    store = filled(*present)
    everything = store.page(EVERYTHING, 1000, None).entries
    assert keys(store, wanted, 1000) == [entry.key for entry in everything if wanted.matches(entry)]


def test_only_the_wanted_indicators_are_shown() -> None:
    store = filled(("department:it", "1h"))
    (entry,) = store.page(EVERYTHING, 1, None).entries
    shown = msgspec.json.decode(with_indicators(entry, {"tickets_opened"}))
    assert [figure["indicator"] for figure in shown["figures"]] == ["tickets_opened"]


def test_a_score_without_value_is_said_and_not_left_out() -> None:
    store = ScoreStore()
    store.apply("department:it|1h", score_bytes(score=None))
    (entry,) = store.page(EVERYTHING, 1, None).entries
    assert msgspec.json.decode(entry.brief())["score"] is None


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        ScoreStore().apply("x", b"{}")
    with pytest.raises(ScopeError):
        ScoreStore().apply("x", score_bytes("planet:earth"))


def test_departments_are_named_once() -> None:
    store = filled(("department:it", "1h"), ("department:it", "5m"), ("employee:hr/bo", "1h"))
    assert store.departments() == ["it"]


def ids(store: BreachStore, state: str, scope: str = "", target: str = "") -> list[str]:
    return [entry.breach.id for entry in store.items(state, scope, target)]


def test_a_breach_is_active_until_it_is_cleared() -> None:
    store = BreachStore()
    store.apply(breach("b1"))
    store.apply(breach("b2", at_ms=2_000, scope="organisation"))
    assert ids(store, "active") == ["b2", "b1"]
    store.apply(breach("b1", "cleared", at_ms=3_000))
    assert ids(store, "active") == ["b2"]
    assert ids(store, "cleared") == ["b1"]
    assert ids(store, "all") == ["b1", "b2"]
    assert ids(store, "all", scope="organisation") == ["b2"]
    assert ids(store, "all", target="other") == []


def test_a_repeated_transition_changes_nothing() -> None:
    store = BreachStore()
    for _ in range(2):
        store.apply(breach("b1"))
        store.apply(breach("b1", "cleared"))
    store.apply(breach("b1"))
    assert (ids(store, "active"), ids(store, "cleared")) == ([], ["b1"])


def test_only_so_many_breaches_of_the_past_are_kept() -> None:
    store = BreachStore(cleared_kept=2)
    for number in range(4):
        store.apply(breach(f"b{number}", "cleared", at_ms=number))
    assert ids(store, "cleared") == ["b3", "b2"]


def test_a_breach_is_shown_with_its_state() -> None:
    store = BreachStore()
    store.apply(breach("b1"))
    (entry,) = store.items("active", "", "")
    shown = msgspec.json.decode(entry.json())
    assert (shown["state"], shown["id"], shown["scope"]) == ("active", "b1", "department:it")
