"""The fast decoder and the models are one contract: both accept the same bytes, and read alike."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from shared.contracts.decode import DecodeError, Event, decode_event
from shared.contracts.events import event_models, validate_event
from shared.contracts.json_text import JsonTextError
from tests.unit.contracts.event_strategies import DATA, Document, events
from tests.unit.contracts.hostile_texts import ACCEPTED, REFUSED
from tests.unit.contracts.mutations import encoded, mutated_documents, mutated_texts

THOROUGH = settings(max_examples=600, deadline=None, derandomize=True)


def _read_fast(text: bytes) -> dict[str, Any] | None:
    try:
        event = decode_event(text)
    except DecodeError:
        return None
    content: dict[str, Any] = msgspec.to_builtins(event)
    return content


def _read_by_models(text: bytes) -> dict[str, Any] | None:
    try:
        event = validate_event(text)
    except (ValidationError, JsonTextError, DecodeError):
        return None
    content: dict[str, Any] = msgspec.to_builtins(
        event.model_dump(exclude=set(event.model_extra or ()))
    )
    return content


def _agreed(text: bytes) -> dict[str, Any] | None:
    """What both read in `text`; None when both refuse it."""
    fast = _read_fast(text)
    assert fast == _read_by_models(text), text
    return fast


def test_both_know_the_same_types() -> None:
    tags = {struct.__struct_config__.tag for struct in get_args(Event)}
    assert tags == set(event_models()) == set(DATA)


@pytest.mark.parametrize("event_type", sorted(DATA))
def test_both_accept_and_read_alike_every_valid_event(event_type: str) -> None:
    @settings(max_examples=80, deadline=None, derandomize=True)
    @given(event=events(event_type))
    def check(event: Document) -> None:
        read = _agreed(encoded(event, ascii_only=False))
        assert read is not None
        assert read["type"] == event_type
        assert read["subject"] == event["subject"]

    check()


@THOROUGH
@given(document=mutated_documents())
def test_both_judge_alike_an_event_with_wrong_members(document: Document) -> None:
    _agreed(encoded(document))


@THOROUGH
@given(text=mutated_texts())
def test_both_judge_alike_an_event_with_damaged_bytes(text: bytes) -> None:
    _agreed(text)


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_both_accept(text: bytes) -> None:
    assert _agreed(text) is not None


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_both_refuse(text: bytes) -> None:
    assert _agreed(text) is None
