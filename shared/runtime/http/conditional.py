"""Answers that a client need not receive twice: ETag out, If-None-Match in, 304."""

import hashlib

from fastapi import Request
from starlette.responses import Response


def conditional_json(request: Request, body: bytes) -> Response:
    """200 with `body` (JSON) and its ETag, or 304 when the client has just that."""
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _has(header: str, etag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    given = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in given or etag.removeprefix("W/") in given
