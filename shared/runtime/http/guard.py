"""Guards every body before a route sees it: size, time, encoding, strict JSON.

A pure ASGI middleware. It answers 400, 408, 413, 415 or 503 with problem+json; what passes is
replayed to the app, and `json_body(request)` gives the value that was parsed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.http import strict_json
from shared.runtime.http.problem import Problem, problem_response

MIB = 1024 * 1024
DISCARD_BYTES = 16 * MIB
DISCARD_SECONDS = 3.0
_PARSED = "bellwether.json"
_BODYLESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_CLOSE = {"Connection": "close"}


class BodyGuard:
    """`max_body` bounds one body in bytes, `max_held` all bodies that are held at one moment,
    `receive_timeout` the seconds that a client may take to send its body."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body: int = MIB,
        max_held: int = 64 * MIB,
        receive_timeout: float = 20.0,
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._budget = _Budget(max_held)
        self._receive_timeout = receive_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive)
        try:
            _refuse_nul(scope)
            if scope["method"] in _BODYLESS:
                await self._app(scope, receive, send)
                return
            await self._guarded(scope, body, send)
        except Problem as problem:
            if problem.status != 408 and not _waits_for_permission(scope):
                await body.discard()
            await problem_response(problem, scope["path"])(scope, receive, send)

    async def _guarded(self, scope: Scope, source: "_Body", send: Send) -> None:
        headers = Request(scope).headers
        is_json = _is_json(headers.get("content-type", ""))
        _refuse_encoding(headers.get("content-encoding", "identity"))
        self._refuse_declared_size(headers.get("content-length", "0"))
        with self._budget.hold() as held:
            body = await self._read(source, held)
            if body is None:
                return  # the client went away: nobody is left to answer
            if is_json and body:
                scope[_PARSED] = _parse(body)
            await self._app(scope, _Replay(body, source.receive), send)

    def _refuse_declared_size(self, declared: str) -> None:
        if declared.isdecimal() and int(declared[:20]) > self._max_body:
            raise self._too_large()

    def _too_large(self) -> Problem:
        return Problem(
            413,
            "Content Too Large",
            f"the body may have at most {self._max_body} bytes; send it in parts",
            headers=_CLOSE,
        )

    async def _read(self, source: "_Body", held: "_Held") -> bytes | None:
        try:
            async with asyncio.timeout(self._receive_timeout):
                return await self._read_all(source, held)
        except TimeoutError:
            raise Problem(408, detail="the body did not arrive in time", headers=_CLOSE) from None

    async def _read_all(self, source: "_Body", held: "_Held") -> bytes | None:
        chunks: list[bytes] = []
        while not source.ended:
            chunk = await source.chunk()
            held.add(len(chunk))
            if held.size > self._max_body:
                raise self._too_large()
            chunks.append(chunk)
        return None if source.disconnected else b"".join(chunks)


class _Body:
    """The body as it arrives."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.ended = False
        self.disconnected = False

    async def chunk(self) -> bytes:
        message = await self.receive()
        self.disconnected = message["type"] == "http.disconnect"
        self.ended = self.disconnected or not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk

    async def discard(self) -> None:
        """Reads on, within bounds: a connection that is closed on unread bytes is reset, and the
        client would not see why."""
        left = DISCARD_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not self.ended and left > 0:
                    left -= len(await self.chunk())


def _waits_for_permission(scope: Scope) -> bool:
    """The client asked whether it may send its body at all; to read would be to say yes."""
    return Request(scope).headers.get("expect", "").lower() == "100-continue"


class _Budget:
    """Bytes of all bodies in flight; over it the client is asked to come again."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextmanager
    def hold(self) -> "Iterator[_Held]":
        held = _Held(self)
        try:
            yield held
        finally:
            self.held -= held.size


class _Held:
    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self.size = 0

    def add(self, size: int) -> None:
        if self._budget.held + size > self._budget.limit:
            raise Problem(
                503,
                detail="too many bytes are waiting to be processed",
                headers={"Retry-After": "1", **_CLOSE},
            )
        self._budget.held += size
        self.size += size


class _Replay:
    """Gives the body once, then whatever the connection says (a disconnect)."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def json_body(request: Request) -> Any:
    """The parsed JSON body. Raises a 415 or 400 problem when there is none."""
    if _PARSED in request.scope:
        return request.scope[_PARSED]
    if not _is_json(request.headers.get("content-type", "")):
        raise unsupported_media_type(request.headers.get("content-type"))
    raise Problem(400, detail="the body is empty; a JSON document is needed")


def has_json_type(request: Request) -> bool:
    return _is_json(request.headers.get("content-type", ""))


def unsupported_media_type(given: str | None) -> Problem:
    return Problem(
        415,
        detail=f"send JSON with a Content-Type of application/json; got {given or 'none'}",
        headers={"Accept": "application/json"},
    )


def _is_json(content_type: str) -> bool:
    """Raises 415 for JSON in another charset than UTF-8."""
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    if media_type != "application/json" and not media_type.endswith("+json"):
        return False
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8", "us-ascii"}:
            raise Problem(415, detail="JSON is read as UTF-8 only", headers=_CLOSE)
    return True


def _parse(body: bytes) -> Any:
    try:
        return strict_json.parse(body)
    except strict_json.NotStrictJson as error:
        raise Problem(400, "Malformed JSON", str(error)) from None


def _refuse_encoding(encoding: str) -> None:
    if encoding.strip().lower() not in {"", "identity"}:
        raise Problem(
            415,
            detail="a compressed body is not accepted",
            headers={"Accept-Encoding": "identity", **_CLOSE},
        )


def _refuse_nul(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Problem(400, detail="the address contains the NUL character")
