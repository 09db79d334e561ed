"""A question that is asked again is answered as it would be by its route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import Request
from prometheus_client import REGISTRY
from starlette.responses import Response

from services.scoring.api.known_questions import MAX_QUERY_BYTES, MAX_QUESTIONS, KnownQuestions
from services.scoring.api.routes import Parts
from shared.runtime.http import Problem
from tests.unit.scoring.api.records import score_bytes

LISTINGS = ["/v1/windows", "/v1/scores", "/v1/scoreboard?kind=department", "/v1/scores?limit=4"]


def told(answer: httpx.Response) -> tuple[int, bytes, Mapping[str, str]]:
    headers = {name: text for name, text in answer.headers.items() if name != "x-correlation-id"}
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("path", LISTINGS)
async def test_an_answer_is_the_same_again(client: httpx.AsyncClient, path: str) -> None:
    first, again = await client.get(path), await client.get(path)
    assert told(first) == told(again)
    assert int(again.headers["content-length"]) == len(again.content)
    assert again.headers["content-type"] == "application/json"
    assert again.headers["x-correlation-id"] != first.headers["x-correlation-id"]


@pytest.mark.parametrize("path", LISTINGS)
async def test_a_known_question_has_the_present_answer(
    client: httpx.AsyncClient, parts: Parts, path: str
) -> None:
    before = [(await client.get(path)).content for _ in range(2)]
    parts.scores.apply("department:hr|1h", score_bytes("department:hr", score=3.5, stream_ms=9_000))
    after = (await client.get(path)).json()
    assert after["stream_ms"] == 9_000
    assert b"3.5" not in before[1]
    assert "3.5" in str(after["items"])


@pytest.mark.parametrize("path", ["/v1/scores?limit=0", "/v1/scoreboard?cursor=bm90IGEga2V5"])
async def test_what_was_refused_is_refused_again(client: httpx.AsyncClient, path: str) -> None:
    answers = [await client.get(path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 422]


async def test_only_a_get_is_a_question(client: httpx.AsyncClient) -> None:
    await client.get("/v1/scores")
    assert (await client.post("/v1/scores")).status_code == 405


async def test_known_questions_are_counted_under_their_route(client: httpx.AsyncClient) -> None:
    labels = {"service": "t", "method": "GET", "route": "/v1/scoreboard", "status": "200"}

    def counted() -> float:
        return REGISTRY.get_sample_value("bellwether_http_requests_total", labels) or 0.0

    before = counted()
    for _ in range(3):
        await client.get("/v1/scoreboard?limit=7")
    assert counted() == before + 3


def scope_of(query: bytes) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "query_string": query,
        "headers": [],
        "route": None,
    }


def answered(_: Request) -> Response:
    return Response(b"yes")


def test_only_so_many_questions_are_remembered() -> None:
    known = KnownQuestions()
    for number in range(MAX_QUESTIONS + 1):
        known.answer(Request(scope_of(b"%d" % number)), answered)
    assert known.answer_again(scope_of(b"0")) is None
    assert known.answer_again(scope_of(b"1")) is not None


def test_a_long_query_is_not_remembered() -> None:
    known = KnownQuestions()
    query = b"x" * (MAX_QUERY_BYTES + 1)
    assert known.answer(Request(scope_of(query)), answered).body == b"yes"
    assert known.answer_again(scope_of(query)) is None


def test_what_raises_is_not_remembered() -> None:
    def refused(_: Request) -> Response:
        raise Problem(422)

    known = KnownQuestions()
    with pytest.raises(Problem):
        known.answer(Request(scope_of(b"")), refused)
    assert known.answer_again(scope_of(b"")) is None
