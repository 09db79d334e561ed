"""Ways in which an event goes wrong: in its members, and in the bytes that carry it."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.unit.contracts.event_strategies import DATA, Document, events

Path = tuple[str, ...]

STRANGE_TEXTS = [
    "",
    " ",
    "\t",
    " x",
    "x ",
    "x\n",
    "x\ny",
    "\0",
    "x\0",
    "\x1f",
    "\x7f",
    "\x85",
    "\u00a0x",
    "x\u3000",
    "\u2028",
    "\ufeff",
    "\ud800",
    "x\udfff",
    "\ud800\ud800",
    "x" * 201,
    "🙂" * 201,
    "x" * 4001,
    "1.0",
    "2.0",
    "CNY\n",
    "cny",
    "application/json\n",
    "application/json;\x00",
    "application/jsonp",
    "urn:bellwether:event:ticket.opened:v1",
    "urn:bellwether:event:ticket.opened:v2",
    "peer",
    "csat",
    *DATA,
    "ticket.unknown",
    "Ticket.opened",
    "ticket.opened\0",
    "2026-01-02",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04Z",
    "2026-01-02T03:04:05+00",
    "2026-01-02T03:04:05+0530",
    "2026-01-02T03:04:05+24:00",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05,5Z",
    "2026-01-02T23:59:60Z",
    "2026-01-02T24:00:00Z",
    "2026-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "0001-01-01T00:00:00+14:00",
    "2026-W01-1T00:00:00Z",
    "20260102T030405Z",
    "2026-01-02T03:04:05Z\n",
    " 2026-01-02T03:04:05Z",
    "٢026-01-02T03:04:05Z",
    "1767323045",
]
STRANGE_NUMBERS = [
    0,
    -1,
    1,
    5,
    1001,
    -1001,
    5.0,
    4.5,
    -0.0,
    1e300,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    316_224_000_001,
    1_767_323_045,
    float("nan"),
    float("inf"),
    float("-inf"),
]
strange_values = st.one_of(
    st.sampled_from(STRANGE_TEXTS),
    st.sampled_from(STRANGE_NUMBERS),
    st.sampled_from([None, True, False, [], {}, [1], {"a": 1}, ["x"], {"min": 1, "max": 5}]),
    st.text(max_size=6),
    st.integers(),
    st.floats(),
).map(deepcopy)
strange_names = st.sampled_from(
    ["extra", "Type", "id ", "data_base64", "", "\0", "min", "value", "employee", "\ud800", "ext"]
) | st.text(max_size=4)


def _objects(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict):
        yield path
        for name, member in value.items():
            yield from _objects(member, (*path, name))


def _at(document: Document, path: Path) -> Document:
    place = document
    for name in path:
        place = place[name]
    return place


@st.composite
def mutated_documents(draw: st.DrawFn) -> Document:
    """An event with one to three members dropped, renamed, added or replaced."""
    document = deepcopy(draw(events()))
    for _ in range(draw(st.integers(1, 3))):
        _mutate(draw, document)
    return document


def _mutate(draw: st.DrawFn, document: Document) -> None:
    place = _at(document, draw(st.sampled_from(list(_objects(document)))))
    match draw(st.sampled_from(["drop", "rename", "add", "replace", "replace", "replace"])):
        case "add":
            place[draw(strange_names)] = draw(strange_values)
        case "drop" if place:
            del place[draw(st.sampled_from(list(place)))]
        case "rename" if place:
            place[draw(strange_names)] = place.pop(draw(st.sampled_from(list(place))))
        case _ if place:
            place[draw(st.sampled_from(list(place)))] = draw(strange_values)


def encoded(document: Any, *, ascii_only: bool = True) -> bytes:
    """JSON, with what Python lets pass: NaN, lone surrogates (as escapes, or as wrong UTF-8)."""
    return json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


@st.composite
def mutated_texts(draw: st.DrawFn) -> bytes:
    """An event's bytes after a member was repeated, or bytes were put in, left out or swapped."""
    text = encoded(draw(events() | mutated_documents()), ascii_only=draw(st.booleans()))
    match draw(st.sampled_from(["repeat", "repeat", "insert", "delete", "replace", "wrap"])):
        case "repeat":
            return _with_member_repeated(draw, text)
        case "insert":
            at = draw(st.integers(0, len(text)))
            return text[:at] + draw(_snippets) + text[at:]
        case "delete":
            at = draw(st.integers(0, len(text)))
            return text[:at] + text[at + draw(st.integers(1, 4)) :]
        case "replace":
            at = draw(st.integers(0, len(text)))
            return text[:at] + draw(st.binary(min_size=1, max_size=2)) + text[at + 1 :]
        case _:
            return draw(_prefixes) + text + draw(_suffixes)


_snippets = st.sampled_from(
    [
        b'"',
        b"\\",
        b"{",
        b"}",
        b",",
        b":",
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"NaN",
        b" ",
        b"\n",
        b"[]",
    ]
)
_prefixes = st.sampled_from([b"", b" ", b"\n", b"\xef\xbb\xbf", b"\0", b"[", b"\xff\xfe", b"\x0c"])
_suffixes = st.sampled_from([b"", b" \r\n\t", b"x", b"\0", b"]", b"{}", b",", b"\x0c"])


def _with_member_repeated(draw: st.DrawFn, text: bytes) -> bytes:
    """Put another member of the same name before or behind the others of some object."""
    document = json.loads(text)
    path = draw(st.sampled_from(list(_objects(document))))
    names = list(_at(document, path))
    name = draw(st.sampled_from(names)) if names else "extra"
    member = encoded({name: draw(strange_values | st.just(_at(document, path).get(name)))})[1:-1]
    inner = encoded(_at(document, path))
    first = draw(st.booleans())
    body = member + b", " + inner[1:-1] if first else inner[1:-1] + b", " + member
    return text.replace(inner, b"{" + body.strip(b", ") + b"}", 1)
