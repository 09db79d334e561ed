"""Questions that a route has answered before: asked again, they are answered without it.

To choose the route and to check the parameters takes several times as long as to answer from memory
does, and dashboards ask the same few questions again and again. What is remembered is what was
asked, never an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_QUESTIONS: Final = 1024
MAX_QUERY_BYTES: Final = 1024

Question = Callable[[Request], Response]


class _Known(NamedTuple):
    question: Question
    route: Any


class KnownQuestions:
    """The latest ``MAX_QUESTIONS`` questions by their path and query, letter for letter. Only what
    was answered is among them, so that a wrong parameter is always refused by its route.

    The address alone must say what is asked: what else decides about an answer (such as who asks)
    has to be checked by a middleware before `ShortWay`, or in the question itself.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], _Known] = {}

    def answer(self, request: Request, question: Question) -> Response:
        """The question's answer; it is remembered unless it raises."""
        response = question(request)
        scope = request.scope
        if len(scope["query_string"]) <= MAX_QUERY_BYTES:
            self._known[scope["path"], scope["query_string"]] = _Known(question, scope["route"])
            if len(self._known) > MAX_QUESTIONS:
                del self._known[next(iter(self._known))]
        return response

    def answer_again(self, scope: Scope) -> Response | None:
        """The present answer to a question that is known, or None."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        known = self._known.get((scope["path"], scope["query_string"]))
        if known is None:
            return None
        scope["route"] = known.route  # by which metrics and the access log name it
        return known.question(Request(scope))


class ShortWay:
    """An ASGI middleware, the innermost: routes see only what is not known."""

    def __init__(self, app: ASGIApp, *, known: KnownQuestions) -> None:
        self._app = app
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._known.answer_again(scope)
        await (response or self._app)(scope, receive, send)
