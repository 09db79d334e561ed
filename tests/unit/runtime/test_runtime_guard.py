import asyncio

import pytest
from starlette.types import Message

from shared.runtime.http.guard import MIB, BodyGuard
from tests.unit.runtime.asgi import call, client_of, make_app
from tests.unit.runtime.hostile_bodies import NOT_STRICT_JSON, STRICT_JSON

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/v1/raw", "/v1/notes/a", "/v1/plain", "/v1/nowhere"])
async def test_every_hostile_body_is_a_problem_of_the_client_on_every_route(path: str) -> None:
    async with client_of(make_app()) as client:
        for name, body in NOT_STRICT_JSON.items():
            answer = await client.post(path, content=body, headers=JSON)
            assert answer.status_code == 400, name
            assert answer.headers["content-type"] == "application/problem+json", name
            assert answer.json()["instance"] == path, name


async def test_strict_bodies_pass_and_are_parsed_once() -> None:
    async with client_of(make_app()) as client:
        for name, body in STRICT_JSON.items():
            answer = await client.post("/v1/raw", content=body, headers=JSON)
            assert answer.status_code == 200, name


async def test_a_body_of_one_mebibyte_passes_and_one_byte_more_does_not() -> None:
    async with client_of(make_app()) as client:
        assert (await client.post("/v1/plain", content=b"x" * MIB)).json() == MIB
        answer = await client.post("/v1/plain", content=b"x" * (MIB + 1))
        assert answer.status_code == 413
        assert answer.headers["connection"] == "close"


def chunks(count: int, size: int) -> list[Message]:
    chunk: Message = {"type": "http.request", "body": b"x" * size, "more_body": True}
    end: Message = {"type": "http.request", "body": b"", "more_body": False}
    return [chunk] * count + [end]


async def test_a_chunked_body_is_counted_and_cut_off_at_the_limit() -> None:
    refused = await call(make_app(), chunks(3, MIB // 2))
    assert refused[0]["status"] == 413
    accepted = await call(make_app(), chunks(2, MIB // 2))
    assert accepted[0]["status"] == 200


async def test_a_wrong_content_length_does_not_get_past_the_limit() -> None:
    headers = [(b"content-length", b"5")]
    sent = await call(make_app(), chunks(3, MIB // 2), headers=headers)
    assert sent[0]["status"] == 413


async def test_a_client_that_goes_away_within_its_body_gets_no_answer() -> None:
    sent = await call(
        make_app(),
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}],
    )
    assert sent == []


async def test_a_body_that_does_not_come_is_given_up() -> None:
    sent: list[Message] = []

    async def never() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    app = make_app(receive_timeout=0.05)
    scope = {"type": "http", "method": "POST", "path": "/v1/plain", "headers": []}
    await app({**scope, "query_string": b"", "root_path": ""}, never, send)
    assert sent[0]["status"] == 408


async def test_bodies_in_flight_are_bounded_together() -> None:
    async def stall(_scope: object, _receive: object, _send: object) -> None:
        await asyncio.sleep(60)

    guard = BodyGuard(stall, max_held=100)
    answers: list[Message] = []

    async def post(size: int) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"x" * size, "more_body": False}

        async def send(message: Message) -> None:
            answers.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        await guard({**scope, "query_string": b""}, receive, send)

    first = asyncio.create_task(post(80))
    await asyncio.sleep(0)
    await post(30)
    assert answers[0]["status"] == 503
    assert (b"retry-after", b"1") in answers[0]["headers"]
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    third = asyncio.create_task(post(100))
    await asyncio.sleep(0)
    assert not third.done(), "what the first request held is free again"
    third.cancel()
    await asyncio.gather(third, return_exceptions=True)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
async def test_a_route_that_needs_json_answers_415_to_anything_else(content_type: str) -> None:
    async with client_of(make_app()) as client:
        for path in ("/v1/raw", "/v1/notes/a"):
            headers = {"Content-Type": content_type} if content_type else {}
            answer = await client.post(path, content=b'{"text": "a"}', headers=headers)
            assert answer.status_code == 415
            assert answer.json()["title"] == "Unsupported Media Type"


async def test_a_route_that_takes_anything_receives_bytes_that_are_no_json() -> None:
    async with client_of(make_app()) as client:
        headers = {"Content-Type": "application/octet-stream"}
        answer = await client.post("/v1/plain", content=b"\xff\x00{", headers=headers)
        assert answer.json() == 3


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", '"UTF-32"'])
async def test_json_in_another_charset_is_refused_by_its_label(charset: str) -> None:
    async with client_of(make_app()) as client:
        headers = {"Content-Type": f"application/json; charset={charset}"}
        answer = await client.post("/v1/raw", content=b"{}", headers=headers)
        assert answer.status_code == 415


async def test_json_that_says_it_is_utf_8_is_read() -> None:
    async with client_of(make_app()) as client:
        headers = {"Content-Type": 'application/vnd.x+json; version=1; charset="UTF-8"'}
        answer = await client.post("/v1/raw", content=b"{}", headers=headers)
        assert answer.json() == {"parsed": {}}


async def test_a_compressed_body_is_refused() -> None:
    async with client_of(make_app()) as client:
        headers = {**JSON, "Content-Encoding": "gzip"}
        answer = await client.post("/v1/raw", content=b"\x1f\x8b", headers=headers)
        assert answer.status_code == 415
        assert answer.headers["accept-encoding"] == "identity"


async def test_a_nul_character_in_the_address_is_refused() -> None:
    async with client_of(make_app()) as client:
        assert (await client.get("/v1/notes?limit=%00")).status_code == 400
        assert (await client.post("/v1/notes/a%00b", json={})).status_code == 400


async def test_an_empty_body_where_json_is_needed_is_named_so() -> None:
    async with client_of(make_app()) as client:
        answer = await client.post("/v1/raw", content=b"", headers=JSON)
        assert answer.status_code == 400
        assert "empty" in answer.json()["detail"]
