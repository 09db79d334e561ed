"""JSON answers made of ready bytes, with ETag and cursor."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Final

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.runtime.http import Problem

_JSON: Final = "application/json"


def listing(head: bytes, items: Iterable[bytes], tail: bytes = b"") -> bytes:
    """``{head"items":[…]tail}``; ``head`` ends and ``tail`` begins with a comma."""
    return b"".join((listing_head(head), b",".join(items), b"]", tail, b"}"))


def listing_head(head: bytes) -> bytes:
    """What comes before the items."""
    return b'{%b"items":[' % head


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
        return Response(status_code=304, headers=_validated(tag))
    return None


def json_answer(content: bytes, tag: str) -> Response:
    """200 with the state's validator."""
    return Response(content, media_type=_JSON, headers=_validated(tag))


class HeadedAnswer(Response):
    """200 with bytes that are kept for many answers, behind a head that is this answer's own. They
    are sent apart: to join half a megabyte takes longer than all else."""

    def __init__(self, head: bytes, kept: bytes, tag: str) -> None:
        length = {"Content-Length": str(len(head) + len(kept))}
        super().__init__(head, media_type=_JSON, headers=_validated(tag) | length)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await send({"type": "http.response.body", "body": self._kept})


def _validated(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache"}


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
