"""Turns what the framework raises into problem+json."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.runtime.http.guard import has_json_type, unsupported_media_type
from shared.runtime.http.problem import Problem, problem_response


def install(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)


def pointer(location: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901) from the parts of a location."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, request.url.path)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail if isinstance(error.detail, str) else None
    problem = Problem(error.status_code, detail=detail, headers=error.headers)
    if detail == problem.title:
        problem.detail = None
    return problem_response(problem, request.url.path)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if _body_of_wrong_type(request, faults):
        given = request.headers.get("content-type")
        return problem_response(unsupported_media_type(given), request.url.path)
    problem = Problem(
        422,
        "Unprocessable Content",
        f"{len(faults)} field(s) of the request are not valid",
        errors=[_field_problem(fault) for fault in faults],
    )
    return problem_response(problem, request.url.path)


def _body_of_wrong_type(request: Request, faults: Sequence[Any]) -> bool:
    about_body = any(fault["loc"][:1] == ("body",) for fault in faults)
    return about_body and not has_json_type(request)


def _field_problem(fault: Any) -> dict[str, str]:
    place, *rest = fault["loc"]
    found = {"pointer": pointer(rest), "detail": str(fault["msg"])}
    return found if place == "body" else {**found, "in": str(place)}
