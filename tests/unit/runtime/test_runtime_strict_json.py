import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.http import strict_json
from tests.unit.runtime.hostile_bodies import NOT_STRICT_JSON, STRICT_JSON


@pytest.mark.parametrize("body", NOT_STRICT_JSON.values(), ids=NOT_STRICT_JSON.keys())
def test_a_hostile_body_is_refused(body: bytes) -> None:
    with pytest.raises(strict_json.NotStrictJson):
        strict_json.parse(body)


@pytest.mark.parametrize("body", STRICT_JSON.values(), ids=STRICT_JSON.keys())
def test_an_unusual_but_strict_body_is_what_the_standard_library_reads(body: bytes) -> None:
    assert strict_json.parse(body) == json.loads(body)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.sampled_from(["[", "]", "{", "}", '"', "\\", '"[', '\\"{', "\\\\", '""']),
    lambda children: st.lists(children) | st.dictionaries(st.text('[]{}"\\ab'), children),
    max_leaves=60,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(json_values, st.integers(0, 6), st.booleans())
def test_the_depth_limit_agrees_with_the_depth_found_by_walking(
    value: Any, limit: int, ascii_only: bool
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    if depth_of(value) <= limit:
        assert strict_json.parse(body, limit) == value
    else:
        with pytest.raises(strict_json.NotStrictJson, match="nested deeper"):
            strict_json.parse(body, limit)
