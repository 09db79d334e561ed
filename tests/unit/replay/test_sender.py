"""Events reach ingest in order and exactly as often as needed, whatever it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import httpx
import pytest

from deploy.events_client.answers import Busy, Denied, Refusal, Stored, TooLarge, read_answer
from deploy.events_client.backoff import Backoff
from deploy.events_client.sender import (
    MAX_BODY_BYTES,
    EventSender,
    KeyRefused,
    Unreachable,
    make_client,
)
from tests.unit.replay.fake_ingest import KEY, FakeIngest, fake_ingest

EVENTS = [json.dumps({"id": f"e{n}", "subject": f"t{n % 3}"}).encode() for n in range(10)]
IDS = [f"e{n}" for n in range(10)]


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


async def deliver(
    url: str,
    events: list[bytes],
    *,
    key: str = KEY,
    clock: Clock | None = None,
    give_up_after_s: float = 60.0,
    on_trouble: Callable[[str], None] = lambda reason: None,
) -> list[Refusal]:
    clock = clock or Clock()
    async with make_client(url, key) as client:
        sender = EventSender(
            client,
            Backoff(give_up_after_s=give_up_after_s),
            Random(1),
            on_trouble=on_trouble,
            sleep=clock.sleep,
            clock=clock,
            wall_clock=clock,
        )
        return await sender.send(events)


async def test_events_arrive_once_and_in_order() -> None:
    with fake_ingest() as ingest:
        assert await deliver(ingest.url, EVENTS) == []
    assert [event["id"] for event in ingest.stored] == IDS
    assert ingest.requests == [10]


@pytest.mark.parametrize("trouble", [503, 500, 429, 502])
async def test_a_busy_ingest_is_asked_again_until_it_takes_the_events(trouble: int) -> None:
    heard: list[str] = []
    with fake_ingest(ingest=FakeIngest(troubles=[trouble] * 4)) as ingest:
        await deliver(ingest.url, EVENTS, on_trouble=heard.append)
    assert [event["id"] for event in ingest.stored] == IDS
    assert heard == [f"HTTP {trouble}: not now"] * 4 + [""]


async def test_a_connection_that_breaks_after_storing_leads_to_duplicates_but_no_loss() -> None:
    with fake_ingest(ingest=FakeIngest(troubles=["drop", "drop"])) as ingest:
        await deliver(ingest.url, EVENTS)
    assert ingest.ids == IDS
    assert len(ingest.stored) == 30


async def test_only_the_events_that_ingest_could_not_store_are_sent_again() -> None:
    with fake_ingest(ingest=FakeIngest(troubles=["half"])) as ingest:
        await deliver(ingest.url, EVENTS)
    assert [event["id"] for event in ingest.stored] == IDS
    assert ingest.requests == [10, 5]


async def test_a_refused_event_is_reported_by_its_place_and_the_others_go_on() -> None:
    def refuses(event: dict[str, str]) -> str:
        return "from the future" if event["id"] in {"e3", "e7"} else ""

    with fake_ingest(ingest=FakeIngest(refuses=refuses, troubles=["half"])) as ingest:
        refusals = await deliver(ingest.url, EVENTS)
    assert {refusal.index for refusal in refusals} == {3, 7}
    assert refusals[0].reason == "/time from the future"
    assert ingest.ids == [name for name in IDS if name not in {"e3", "e7"}]


async def test_a_batch_over_the_limit_of_ingest_is_halved_in_order() -> None:
    with fake_ingest(ingest=FakeIngest(max_batch=3)) as ingest:
        assert await deliver(ingest.url, EVENTS) == []
    assert [event["id"] for event in ingest.stored] == IDS


async def test_one_event_over_the_limit_is_refused_alone() -> None:
    with fake_ingest(ingest=FakeIngest(max_batch=0)) as ingest:
        refusals = await deliver(ingest.url, EVENTS[:2])
    assert [refusal.index for refusal in refusals] == [0, 1]


async def test_requests_stay_under_the_size_limit() -> None:
    big = [json.dumps({"id": f"b{n}", "pad": "x" * 200_000}).encode() for n in range(9)]
    with fake_ingest() as ingest:
        await deliver(ingest.url, big)
    assert ingest.requests == [4, 4, 1]
    assert MAX_BODY_BYTES < 1 << 20


async def test_an_unknown_key_is_an_error_at_once() -> None:
    with fake_ingest() as ingest, pytest.raises(KeyRefused, match="--key-file"):
        await deliver(ingest.url, EVENTS, key="wrong")
    assert ingest.stored == []


async def test_the_sender_gives_up_after_the_time_it_was_given() -> None:
    clock = Clock()
    busy = FakeIngest(troubles=[503] * 1000)
    with fake_ingest(ingest=busy) as ingest, pytest.raises(Unreachable, match="gave up after"):
        await deliver(ingest.url, EVENTS, clock=clock, give_up_after_s=60)
    assert 60 <= clock.now < 66


async def test_events_wait_for_an_ingest_that_comes_back() -> None:
    with fake_ingest() as first:
        port = int(first.url.rpartition(":")[2])
    restarted: list[str] = []
    with fake_ingest(port) as ingest:
        transport_errors = httpx.MockTransport(_refuse_twice(restarted))
        clock = Clock()
        async with httpx.AsyncClient(transport=transport_errors, base_url=ingest.url) as broken:
            sender = EventSender(broken, Backoff(), Random(1), sleep=clock.sleep, clock=clock)
            await sender.send(EVENTS)
    assert restarted == ["refused", "refused", "stored"]
    assert len(clock.naps) == 2


def _refuse_twice(seen: list[str]) -> Callable[[httpx.Request], httpx.Response]:
    def handle(request: httpx.Request) -> httpx.Response:
        if len(seen) < 2:
            seen.append("refused")
            raise httpx.ConnectError("connection refused")
        seen.append("stored")
        items = [{"index": n, "status": "accepted"} for n in range(len(EVENTS))]
        return httpx.Response(202, json={"items": items})

    return handle


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (202, {}, b'{"items":[{"status":"accepted"},{"status":"accepted"}]}', Stored()),
        (503, {"retry-after": "7"}, b"", Busy("HTTP 503", 7.0)),
        (503, {"retry-after": "Thu, 01 Jan 1970 00:00:30 GMT"}, b"x", Busy("HTTP 503", 20.0)),
        (503, {"retry-after": "soon"}, b"<html>", Busy("HTTP 503")),
        (503, {"retry-after": "9999"}, b"", Busy("HTTP 503", 60.0)),
        (413, {}, b"", TooLarge()),
        (404, {}, b'{"detail":"no such page"}', Denied("ingest answered HTTP 404: no such page")),
        (202, {}, b'{"items":[]}', Denied("ingest answered HTTP 202")),
    ],
)
def test_an_answer_is_read_as_it_is_meant(
    status: int, headers: dict[str, str], body: bytes, expected: object
) -> None:
    assert read_answer(status, headers, body, 2, now_s=10.0) == expected


def test_the_wait_grows_to_its_longest_and_is_never_shorter_than_asked() -> None:
    backoff = Backoff(first_s=0.2, factor=2, longest_s=5)
    waits = [backoff.delay(failures, 0, None, Random(3)) for failures in range(1, 12)]
    assert all(wait is not None and 0.1 <= wait <= 5 for wait in waits)
    assert waits[0] is not None
    assert waits[0] <= 0.2
    assert waits[-1] is not None
    assert waits[-1] >= 2.5
    assert backoff.delay(1, 0, 9.0, Random(3)) == 9.0
    assert backoff.delay(5, backoff.give_up_after_s, None, Random(3)) is None
