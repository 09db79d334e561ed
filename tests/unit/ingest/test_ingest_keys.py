from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.core.keys import (
    KEY_BYTES,
    BadKey,
    KeyRing,
    SourceKey,
    checked,
    digest,
    new_key,
    presented,
)
from tests.unit.ingest.samples import NOW


@given(st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_every_new_key_is_of_the_form_that_is_asked_for(random: bytes) -> None:
    key = new_key(random)
    assert checked(f"  {key}\n") == key


def test_different_randomness_gives_different_keys() -> None:
    assert new_key(b"a" * KEY_BYTES) != new_key(b"b" * KEY_BYTES)


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        new_key(b"a" * 16)


@pytest.mark.parametrize("text", ["", "bw_short", "password", "bw_" + "a" * 44, "bw_" + "a" * 42])
def test_a_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        checked(text)


def test_a_key_is_found_by_its_digest_only() -> None:
    key = SourceKey(1, digest("secret"), frozenset({"crm-a"}))
    ring = KeyRing([key])
    assert ring.find(digest("secret"), NOW) is key
    assert ring.find(digest("Secret"), NOW) is None
    assert ring.find(b"secret", NOW) is None


def test_a_key_ends_at_the_moment_it_expires() -> None:
    ring = KeyRing([SourceKey(1, digest("k"), frozenset({"*"}), expires_at=NOW)])
    assert ring.find(digest("k"), NOW - timedelta(microseconds=1)) is not None
    assert ring.find(digest("k"), NOW) is None


@pytest.mark.parametrize(
    ("sources", "source", "allowed"),
    [
        ({"crm-a"}, "crm-a", True),
        ({"crm-a"}, "crm-b", False),
        ({"crm-a"}, "CRM-A", False),
        ({"crm-a", "crm-b"}, "crm-b", True),
        ({"*"}, "anything", True),
        ({"crm-*"}, "crm-a", False),
    ],
)
def test_a_key_allows_the_sources_it_names(sources: set[str], source: str, allowed: bool) -> None:
    assert SourceKey(1, b"", frozenset(sources)).allows(source) is allowed


@pytest.mark.parametrize(
    ("authorization", "api_key", "expected"),
    [
        ("Bearer abc", None, "abc"),
        ("bearer  abc ", None, "abc"),
        (None, " abc ", "abc"),
        ("Bearer abc", "def", "abc"),
        ("Basic abc", "def", "def"),
        ("Basic abc", None, None),
        ("Bearer", None, None),
        ("Bearer ", "", None),
        (None, None, None),
    ],
)
def test_a_key_is_taken_from_either_header(
    authorization: str | None, api_key: str | None, expected: str | None
) -> None:
    assert presented(authorization, api_key) == expected
