"""What the bytes of an event must be before a decoder sees them.

Both decoders pass over members that they do not know, but not over the same ones: these rules
leave no text on which they could differ. They cost a few scans at the speed of memory.
"""

from __future__ import annotations

import re
from typing import Final

MAX_DEPTH: Final = 64
"""Levels of objects and arrays; an event of contract v1 needs three."""
MAX_DIGITS: Final = 4300
"""Digits of an integer."""

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_LONG_INTEGER: Final = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))
_NOT_BRACKET: Final = bytes(byte for byte in range(256) if byte not in b"{}[]")


class JsonTextError(ValueError):
    """The bytes are no text that an event may have."""


def check_text(value: bytes) -> None:
    """Raise `JsonTextError` unless ``value`` is UTF-8, nested no deeper than `MAX_DEPTH` levels,
    and without an integer of more than `MAX_DIGITS` digits."""
    if not value.isascii():
        _check_utf8(value)
    if value.count(b"{") > MAX_DEPTH or b"[" in value:
        _check_depth(value)
    if len(value) > MAX_DIGITS and _LONG_INTEGER.search(_STRING.sub(b"", value)):
        raise JsonTextError(f"an integer has more than {MAX_DIGITS} digits")


def _check_utf8(value: bytes) -> None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise JsonTextError(f"the text is no UTF-8: {error.reason}") from error


def _check_depth(value: bytes) -> None:
    depth = 0
    for byte in _STRING.sub(b"", value).translate(None, _NOT_BRACKET):
        depth += 1 if byte in b"{[" else -1
        if depth > MAX_DEPTH:
            raise JsonTextError(f"the text is nested deeper than {MAX_DEPTH} levels")
