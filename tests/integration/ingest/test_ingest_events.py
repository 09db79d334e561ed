import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from tests.integration.ingest.ingest_service import JSON, Ingest, now_text, published, running
from tests.unit.ingest.samples import answered, opened
from tests.unit.runtime.hostile_bodies import NOT_STRICT_JSON

pytestmark = pytest.mark.integration


@pytest.fixture
async def ingest(kafka: str, database: str) -> AsyncIterator[Ingest]:
    async with running(kafka, database) as service:
        yield service


@pytest.fixture
def ticket() -> str:
    """The beginning of ticket ids that nobody else uses on this broker."""
    return f"T-{secrets.token_hex(6)}"


async def test_an_accepted_event_is_on_the_broker_when_the_answer_comes(
    ingest: Ingest, ticket: str
) -> None:
    answer = await ingest.post(opened(subject=ticket, traceparent="00-1"))
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "rejected": 0,
        "items": [{"index": 0, "id": "e-1", "status": "accepted", "errors": []}],
    }
    (event,) = await published(ingest.kafka, ticket)
    assert event.pop("receivedtime").endswith("Z")
    assert event == {**opened(subject=ticket, traceparent="00-1"), "key": ticket}


@pytest.mark.parametrize(
    ("content_type", "body_of"),
    [
        ("application/cloudevents+json", lambda event: event),
        ("application/cloudevents+json; charset=utf-8", lambda event: event),
        ("application/cloudevents-batch+json", lambda event: [event, event]),
        ("application/json", lambda event: event),
        ("application/json", lambda event: [event]),
    ],
)
async def test_one_event_or_a_batch_comes_under_each_media_type(
    ingest: Ingest, content_type: str, body_of: Any
) -> None:
    answer = await ingest.post(body_of(opened()), **{"Content-Type": content_type})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/cloudevents+json", [opened()], 400),
        ("application/cloudevents-batch+json", opened(), 400),
        ("application/xml", opened(), 415),
        ("application/problem+json", opened(), 415),
        ("text/json", opened(), 415),
        ("application/x-www-form-urlencoded", opened(), 415),
    ],
)
async def test_a_body_that_is_not_what_its_media_type_says_is_refused(
    ingest: Ingest, content_type: str, body: Any, status: int
) -> None:
    answer = await ingest.post(body, **{"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_of_a_mixed_batch_the_good_events_are_published_and_the_bad_ones_are_named(
    ingest: Ingest, ticket: str
) -> None:
    batch = [
        opened(subject=f"{ticket}-a"),
        answered(subject=f"{ticket}-b", data={"kind": "csat", "value": 4}),
        "no event",
        answered(subject=f"{ticket}-c"),
        opened(subject=f"{ticket}-d", time="2999-01-01T00:00:00Z"),
    ]
    answer = await ingest.post(batch)
    document = answer.json()
    assert answer.status_code == 202
    assert (document["accepted"], document["rejected"]) == (2, 3)
    assert [
        (item["status"], [error["pointer"] for error in item["errors"]])
        for item in document["items"]
    ] == [
        ("accepted", []),
        ("rejected", ["/data/scale"]),
        ("rejected", [""]),
        ("accepted", []),
        ("rejected", ["/time"]),
    ]
    stored = {event["key"] for event in await published(ingest.kafka, ticket)}
    assert stored == {f"{ticket}-a", f"{ticket}-c"}


async def test_a_batch_without_any_valid_event_is_a_problem_that_names_every_fault(
    ingest: Ingest,
) -> None:
    answer = await ingest.post([opened(time=None), opened(data={"department": 1})])
    document = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in document["errors"]] == ["/0/time", "/1/data/department"]
    assert (document["accepted"], document["rejected"]) == (0, 2)


async def test_a_single_event_that_is_not_valid_is_named_by_pointers_into_itself(
    ingest: Ingest,
) -> None:
    document = (await ingest.post(opened(subject=" T"))).json()
    assert [error["pointer"] for error in document["errors"]] == ["/subject"]


async def test_an_empty_batch_is_accepted_and_publishes_nothing(ingest: Ingest) -> None:
    answer = await ingest.post([])
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)


async def test_events_of_a_ticket_keep_their_order_within_and_across_requests(
    ingest: Ingest, ticket: str
) -> None:
    def events(first: int, count: int) -> list[dict[str, Any]]:
        numbers = range(first, first + count)
        return [opened(subject=f"{ticket}-{n % 7}", id=f"{n:05}") for n in numbers]

    await ingest.post(events(0, 1500))
    await ingest.post(events(1500, 3))
    await ingest.post(events(1503, 400))
    by_ticket: dict[str, list[str]] = {}
    for event in await published(ingest.kafka, ticket):
        by_ticket.setdefault(event["key"], []).append(event["id"])
    assert sum(map(len, by_ticket.values())) == 1903
    assert all(ids == sorted(ids) for ids in by_ticket.values())


async def test_an_event_sent_twice_is_accepted_twice_with_the_same_identity(
    ingest: Ingest, ticket: str
) -> None:
    for _ in range(2):
        assert (await ingest.post(opened(subject=ticket))).status_code == 202
    events = await published(ingest.kafka, ticket)
    assert [(event["source"], event["id"]) for event in events] == [("crm-a", "e-1")] * 2


async def test_a_member_named_twice_counts_as_its_last_and_is_published_once(
    ingest: Ingest, ticket: str
) -> None:
    text = orjson.dumps(opened(subject=ticket)).replace(
        b'"source":"crm-a"', b'"source":"crm-x","source":"crm-a"'
    )
    answer = await ingest.client.post("/v1/events", content=text, headers=JSON)
    assert answer.status_code == 202
    (event,) = await published(ingest.kafka, ticket)
    assert event["source"] == "crm-a"


async def test_no_hostile_body_gets_further_than_a_problem(ingest: Ingest) -> None:
    for name, body in NOT_STRICT_JSON.items():
        answer = await ingest.client.post("/v1/events", content=body, headers=JSON)
        assert answer.status_code == 400, name
        assert answer.headers["content-type"] == "application/problem+json", name


async def test_a_hostile_text_within_an_event_is_that_events_fault(ingest: Ingest) -> None:
    for value in ("\x01", "\u2028" * 300, "x" * 201, "", " ", "\n"):
        answer = await ingest.post([opened(), opened(subject=value)])
        statuses = [item["status"] for item in answer.json()["items"]]
        assert statuses == ["accepted", "rejected"], value


async def test_a_chunked_body_of_two_mebibytes_is_cut_off(ingest: Ingest) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b" " * 65536

    async with httpx.AsyncClient(base_url=ingest.url, timeout=20) as client:
        answer = await client.post("/v1/events", content=chunks(), headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_batch_of_too_many_events_is_refused_as_a_whole(ingest: Ingest) -> None:
    answer = await ingest.post([5] * 5001)
    assert answer.status_code == 413


async def test_a_full_body_of_small_and_large_events_is_stored(ingest: Ingest, ticket: str) -> None:
    large = {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 1, "comment": "好" * 3900}
    batch = [answered(subject=f"{ticket}-{n}", time=now_text(), data=large) for n in range(80)]
    answer = await ingest.post(batch)
    assert answer.json()["accepted"] == 80
    assert len(await published(ingest.kafka, ticket)) == 80


async def test_the_metrics_count_events_by_what_became_of_them(ingest: Ingest) -> None:
    await ingest.post([opened(), {"type": "made.up"}])
    text = (await ingest.client.get("/metrics")).text
    assert 'bellwether_ingest_events_total{status="accepted",type="ticket.opened"}' in text
    assert 'bellwether_ingest_events_total{status="rejected",type="unknown"}' in text
    assert "made.up" not in text
    assert 'route="/v1/events"' in text


async def test_errors_beside_the_events_are_problems_too(ingest: Ingest) -> None:
    for answer, status in (
        (await ingest.client.get("/v1/events"), 405),
        (await ingest.client.get("/v2/events"), 404),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
