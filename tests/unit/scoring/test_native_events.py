"""The fast reader of events takes what is plain, and never differs from the decoder in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from bellwether_native import parse_event
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.streams.tickets import Expected
from bench.streams.tickets import events as stream
from services.scoring.core.ledger import fact_of
from shared.contracts.decode import DecodeError, decode_event
from shared.contracts.examples import EVENTS
from shared.contracts.fields import epoch_ms
from tests.unit.contracts.event_strategies import DATA, Document, events
from tests.unit.contracts.hostile_texts import ACCEPTED, REFUSED
from tests.unit.contracts.mutations import encoded, mutated_documents, mutated_texts

Plain = tuple[str, int, int | None, int, int, tuple[str, ...], tuple[int, ...]]
THOROUGH = settings(max_examples=600, deadline=None, derandomize=True)
RARE = "ticket.corrected"
USUAL = [event for event in EVENTS if event["type"] != RARE]


def decoded(text: bytes) -> Plain | None:
    """What the decoder and the ledger make of an event; None for what they refuse."""
    try:
        event = decode_event(text)
    except DecodeError:
        return None
    fact = fact_of(event)
    received_ms = epoch_ms(event.receivedtime) if event.receivedtime else None
    content = fact.kind, fact.event, fact.names, fact.numbers
    return event.subject, fact.time_ms, received_ms, *content


def check(text: bytes) -> None:
    """The fast reader reads the text like the decoder, or leaves it alone."""
    read = parse_event(text)
    assert read is None or read == decoded(text), text


@st.composite
def usual_timestamps(draw: st.DrawFn) -> str:
    """Instants as services write them."""
    zone = timezone(timedelta(minutes=draw(st.integers(-23 * 60 - 59, 23 * 60 + 59))))
    moment = draw(
        st.datetimes(
            datetime(2, 1, 1),  # noqa: DTZ001 - Hypothesis wants bounds without a zone
            datetime(9998, 12, 31),  # noqa: DTZ001 - as above
            timezones=st.sampled_from([UTC, zone]),
        )
    )
    text = moment.isoformat(timespec=draw(st.sampled_from(["auto", "seconds", "milliseconds"])))
    return text.replace("+00:00", draw(st.sampled_from(["Z", "+00:00"])))


@st.composite
def plain_events(draw: st.DrawFn, event_type: str) -> Document:
    """Valid events with the usual timestamps, and no names that JSON needs escapes for."""
    event = draw(events(event_type).filter(is_plain))
    for member in {"time", "receivedtime"} & event.keys():
        event[member] = draw(usual_timestamps())
    return event


def is_plain(event: Document) -> bool:
    data = {name: member for name, member in event.get("data", {}).items() if name != "comment"}
    names = encoded([event["id"], event["source"], event["subject"], data], ascii_only=False)
    text = encoded(event, ascii_only=False)
    return b"\\" not in names and b"\x7f" not in text and b"\\u0000" not in text


@st.composite
def spelled(draw: st.DrawFn, documents: st.SearchStrategy[Document]) -> bytes:
    """A document in one of the spellings that JSON libraries have."""
    text = json.dumps(
        draw(documents),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, None, 2, "\t"])),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", "\r\n: ")])),
    )
    return text.encode("utf-8", "surrogatepass")


ODD_TIMESTAMPS = [
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "0002-01-01T00:00:00+23:59",
    "9998-12-31T23:59:59.999999-23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "1969-12-31T23:59:59.999999Z",
    "1969-12-31T23:59:59.9Z",
    "1970-01-01T00:00:00.000999+00:01",
    "1900-02-29T00:00:00Z",
    "2000-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-01-02T03:04:05.9999995Z",
    "2026-01-02T03:04:05+23:60",
    "2026-01-02T03:04:05-00:00",
    "2026-01-02T03:04:05−01:00",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05.5",
    "2026-01-02T03:04:05+1:00",
    "-026-01-02T03:04:05Z",
    "2026-01-02T03:04:05Z\u00a0",
]
_digits = st.integers(0, 99).map("{:02}".format)
odd_timestamps = st.sampled_from(ODD_TIMESTAMPS) | st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["1969", "1970", "2000", "2023", "2024", "2100", "9998", "0001", "0000"]),
    st.integers(0, 13).map("{:02}".format),
    st.integers(0, 32).map("{:02}".format),
    st.sampled_from("TTTt "),
    st.integers(0, 25).map("{:02}".format),
    st.sampled_from(["00", "59", "60"]) | _digits,
    st.sampled_from(["00", "59", "60"]) | _digits,
    st.just("") | st.text("0123456789", max_size=8).map(".{}".format),
    st.sampled_from(["Z", "Z", "z", "", "+0530", "+24:00", "-23:59"])
    | st.builds("{}{}:{}".format, st.sampled_from("+-"), _digits, _digits),
)


@st.composite
def with_odd_timestamps(draw: st.DrawFn) -> Document:
    event = draw(events())
    event["time"] = draw(odd_timestamps)
    event["receivedtime"] = draw(st.none() | odd_timestamps)
    return event


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The bytes of a plain event with some bits flipped, and pieces of it put elsewhere."""
    event_type = draw(st.sampled_from(sorted(DATA)))
    text = bytearray(draw(spelled(plain_events(event_type))))
    for _ in range(draw(st.integers(1, 3))):
        at, other = (draw(st.integers(0, len(text) - 1)) for _ in range(2))
        match draw(st.sampled_from(["flip", "flip", "token", "move"])):
            case "flip":
                text[at] ^= 1 << draw(st.integers(0, 7))
            case "token":
                text[at : at + 1] = draw(st.sampled_from(_TOKENS))
            case _:
                text[at:at] = text[other : other + draw(st.integers(1, 40))]
    return bytes(text)


_TOKENS = [
    *(b"", b'"', b",", b":", b"{", b"}", b"[", b"]", b"\n", b"\r", b"\t", b"\v", b"\x00", b"\x7f"),
    *(b"-", b"0", b"1", b".", b".0", b"e1", b"E-1", b"null", b"true", b"false", b"nul", b"NaN"),
    *(b"\\n", b"\\u00e9", b"\\u0022", b"\\u0000", b"\\ud83d", b"\\ud83d\\ude42", b"\\\\"),
    *(b"\\/", b"\\u", b"\\x", b"\\\\u9000", b'\\"', b"\\u000a", b"\\u0061"),
    *(b"\xc2\x85", b"\xc2\xa0", b"\xe3\x80\x80", b"\xe2\x80\xa8", b"\xff", b"\xed\xa0\x80"),
]


@pytest.mark.parametrize("event", USUAL, ids=lambda event: event["type"])
def test_the_examples_of_the_contract_are_read(event: Document) -> None:
    text = encoded(event)
    assert parse_event(text) == decoded(text) is not None


def test_the_examples_are_of_every_usual_type() -> None:
    assert {event["type"] for event in USUAL} == set(DATA) - {RARE}


def test_a_benchmark_measures_events_that_are_read() -> None:
    for event in stream(2_000, 1_767_323_045_678, Expected()):
        assert parse_event(event.value) == decoded(event.value) is not None


@pytest.mark.parametrize("event_type", sorted(set(DATA) - {RARE}))
def test_plain_events_are_read_in_any_spelling(event_type: str) -> None:
    @settings(max_examples=80, deadline=None, derandomize=True)
    @given(text=spelled(plain_events(event_type)))
    def read(text: bytes) -> None:
        assert parse_event(text) == decoded(text) is not None

    read()


@THOROUGH
@given(text=spelled(events()))
def test_no_valid_event_is_read_differently(text: bytes) -> None:
    check(text)


@THOROUGH
@given(text=spelled(mutated_documents()))
def test_an_event_with_wrong_members_is_left_alone(text: bytes) -> None:
    check(text)


@THOROUGH
@given(text=spelled(with_odd_timestamps()))
def test_odd_timestamps_are_read_alike_or_left_alone(text: bytes) -> None:
    check(text)


@THOROUGH
@given(text=mutated_texts() | damaged())
def test_damaged_bytes_are_read_alike_or_left_alone(text: bytes) -> None:
    check(text)


@pytest.mark.parametrize("event", USUAL, ids=lambda event: event["type"])
def test_half_an_event_is_left_alone(event: Document) -> None:
    text = encoded(event)
    assert not any(parse_event(text[:size]) for size in range(len(text)))


@THOROUGH
@given(text=st.binary(max_size=64))
def test_any_bytes_are_left_alone(text: bytes) -> None:
    assert parse_event(text) is None


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_parsers_differ_on_is_read_alike_or_left_alone(text: bytes) -> None:
    check(text)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_contract_refuses_is_left_alone(text: bytes) -> None:
    assert parse_event(text) is None


@pytest.mark.parametrize("size", [158, 159, 160, 161, 200])
def test_long_ids_hash_alike(size: int) -> None:
    for source in ("c", "退款" * 100):
        text = encoded({**USUAL[0], "source": source, "id": "x" * size}, ascii_only=False)
        assert parse_event(text) == decoded(text) is not None
