"""Strict JSON: what a body must be before any code of ours looks at it.

UTF-8 without byte order mark, finite numbers, no lone surrogate, no NUL character (Postgres
refuses it), and a bounded depth. The depth of well-formed JSON is found without walking it.
"""

from typing import Any

import orjson

MAX_DEPTH = 64

_OPENERS = bytes.maketrans(b"[]", b"{}")
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'{}[]"\\')


class NotStrictJson(ValueError):
    """The body can never be accepted; the message may be shown to the client."""


def parse(body: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """The parsed body. Raises `NotStrictJson`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotStrictJson(f"the body is no valid UTF-8 JSON: {error}") from None
    if not _depth_within(body, value, max_depth):
        raise NotStrictJson(f"the body is nested deeper than {max_depth} levels")
    if b"\\u0000" in body and _any_string_has_nul(value):
        raise NotStrictJson("a string contains the NUL character (\\u0000)")
    return value


def _depth_within(body: bytes, value: Any, max_depth: int) -> bool:
    """Strings without brackets or escapes leave only `""`, which vanishes; then each pass
    takes the innermost pairs away. A bracket inside a string leaves a quote behind (the number
    of quotes before it is odd), and then the parsed value is walked instead."""
    skeleton = body.translate(_OPENERS, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in skeleton or b"\\" in skeleton:
        return _walk_depth_within(value, max_depth)
    for _ in range(max_depth):
        if not skeleton:
            return True
        skeleton = skeleton.replace(b"{}", b"")
    return not skeleton


def _walk_depth_within(value: Any, max_depth: int) -> bool:
    level = [value]
    for _ in range(max_depth):
        level = [child for item in level for child in _children(item)]
        if not level:
            return True
    return not any(isinstance(item, dict | list) for item in level)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _any_string_has_nul(value: Any) -> bool:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str) and "\0" in item:
            return True
        if isinstance(item, dict) and any("\0" in key for key in item):
            return True
        pending.extend(_children(item))
    return False
