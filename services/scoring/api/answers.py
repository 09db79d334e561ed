"""JSON answers made of ready bytes, with ETag and cursor."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable

from fastapi import Request
from starlette.responses import Response

from shared.runtime.http import Problem


def listing(head: bytes, items: Iterable[bytes], tail: bytes = b"") -> bytes:
    """``{head"items":[…]tail}``; ``head`` ends and ``tail`` begins with a comma."""
    return b"{" + head + b'"items":[' + b",".join(items) + b"]" + tail + b"}"


def etag(*parts: object) -> str:
    """A weak validator of a state."""
    return 'W/"' + "-".join(str(part) for part in parts) + '"'


def digest_etag(content: bytes) -> str:
    """A weak validator of a content: the same on every replica."""
    return etag(hashlib.blake2b(content, digest_size=12).hexdigest())


def unchanged(request: Request, tag: str) -> Response | None:
    """304 when the client holds this state already."""
    given = request.headers.get("if-none-match", "")
    if given == "*" or tag in (part.strip() for part in given.split(",")):
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
    return None


def json_answer(content: bytes, tag: str) -> Response:
    """200 with the state's validator."""
    return Response(
        content,
        media_type="application/json",
        headers={"ETag": tag, "Cache-Control": "no-cache"},
    )


def to_cursor(key: str | None) -> str | None:
    """An opaque text that continues after a key."""
    if key is None:
        return None
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> str | None:
    """The inverse of `to_cursor`; raises `Problem` 422 for a text that is no cursor."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise bad_parameter("cursor", "is not what a listing gave as next") from None


def bad_parameter(name: str, detail: str) -> Problem:
    """422 that names a query parameter."""
    return Problem(
        422,
        detail=f"parameter {name}: {detail}",
        errors=[{"pointer": f"/{name}", "detail": detail}],
    )
