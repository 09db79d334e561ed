"""Problem details (RFC 9457): the one form in which every service reports an error.

{"type": "about:blank", "title": "Unprocessable Content", "status": 422,
 "detail": "…", "instance": "/v1/events", "correlation_id": "…",
 "errors": [{"pointer": "/data/kind", "detail": "…"}]}
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.runtime.telemetry import correlation_id

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Raise it in a route: the client receives it as problem+json.

    `extensions` become members of the document, beside the standard ones.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        type: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        self.status = status
        self.title = title or phrase(status)
        self.detail = detail
        self.type = type
        self.headers = dict(headers or {})
        self.extensions = extensions
        super().__init__(f"{status} {self.title}: {detail}")


class FieldProblem(BaseModel):
    """One thing that is wrong with the request, and where."""

    pointer: str = Field(description="JSON pointer into the body, or /NAME of a parameter")
    detail: str = Field(description="What is wrong there")


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(default="about:blank", description="Identifies the kind of problem")
    title: str = Field(description="The kind of problem, in words", examples=["Not Found"])
    status: int = Field(description="The HTTP status", examples=[404])
    detail: str | None = Field(default=None, description="What went wrong this time")
    instance: str = Field(description="The path that was asked for", examples=["/v1/events"])
    correlation_id: str = Field(description="Find the request in the logs by it")
    errors: list[FieldProblem] | None = Field(
        default=None, description="Of a validation problem: each field that is wrong"
    )


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem_response(problem: Problem, path: str) -> Response:
    """`path` is what the client asked for, without host and query."""
    document: dict[str, Any] = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "instance": path,
        "correlation_id": correlation_id.get(),
    }
    if problem.detail is not None:
        document["detail"] = problem.detail
    document.update(problem.extensions)
    return Response(
        orjson.dumps(document, default=str),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )
