import httpx
import pytest

from shared.runtime.http.errors import pointer
from tests.unit.runtime.asgi import client_of, make_app


def assert_problem(answer: httpx.Response, status: int, path: str) -> dict[str, object]:
    document: dict[str, object] = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["instance"] == path
    assert document["correlation_id"] == answer.headers["x-correlation-id"]
    return document


async def test_an_unknown_path_is_a_problem() -> None:
    async with client_of(make_app()) as client:
        assert_problem(await client.get("/nowhere?x=1"), 404, "/nowhere")


async def test_a_method_that_the_route_does_not_have_is_a_problem_that_names_the_others() -> None:
    async with client_of(make_app()) as client:
        answer = await client.delete("/v1/notes")
        assert_problem(answer, 405, "/v1/notes")
        assert "GET" in answer.headers["allow"]


async def test_a_fault_of_ours_says_nothing_about_its_cause() -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/v1/broken")
        assert_problem(answer, 500, "/v1/broken")
        assert "hunter2" not in answer.text
        assert "RuntimeError" not in answer.text


async def test_a_problem_that_a_route_raises_is_answered_with_all_its_members() -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/v1/teapot")
        document = assert_problem(answer, 418, "/v1/teapot")
        assert document["title"] == "No coffee"
        assert document["detail"] == "short and stout"
        assert document["pot"] == 7
        assert answer.headers["retry-after"] == "3"


async def test_an_exception_of_the_framework_is_a_problem_too() -> None:
    async with client_of(make_app()) as client:
        document = assert_problem(await client.get("/v1/old"), 410, "/v1/old")
        assert document["detail"] == "gone for good"


async def test_each_wrong_field_of_a_body_is_named_by_a_json_pointer() -> None:
    async with client_of(make_app()) as client:
        answer = await client.post("/v1/notes/a", json={"text": "x" * 11})
        document = assert_problem(answer, 422, "/v1/notes/a")
        errors = document["errors"]
        assert isinstance(errors, list)
        assert [error["pointer"] for error in errors] == ["/text", "/score"]


async def test_a_wrong_parameter_is_named_with_its_place() -> None:
    async with client_of(make_app()) as client:
        document = assert_problem(await client.get("/v1/notes?limit=1000"), 422, "/v1/notes")
        errors = document["errors"]
        assert isinstance(errors, list)
        assert (errors[0]["pointer"], errors[0]["in"]) == ("/limit", "query")


async def test_a_good_request_is_answered() -> None:
    async with client_of(make_app()) as client:
        answer = await client.post("/v1/notes/a", json={"text": "hi", "score": 3})
        assert answer.json() == {"name": "a", "text": "hi", "score": 3}


@pytest.mark.parametrize(
    ("location", "expected"),
    [((), ""), (("data", 0, "x"), "/data/0/x"), (("a/b", "c~d"), "/a~1b/c~0d")],
)
def test_a_pointer_escapes_as_rfc_6901_says(location: tuple[str | int, ...], expected: str) -> None:
    assert pointer(location) == expected


async def test_every_operation_of_the_openapi_document_declares_problems() -> None:
    async with client_of(make_app()) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        for operations in paths.values():
            for operation in operations.values():
                assert "application/problem+json" in operation["responses"]["4XX"]["content"]
                assert "HTTPValidationError" not in str(operation)
