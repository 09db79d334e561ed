"""The broker goes away and comes back: what was said to be accepted is there."""

import asyncio
import secrets
from collections.abc import Iterator

import httpx
import pytest

from deploy.local.stack import LocalStack, StackOptions
from tests.integration.ingest.ingest_service import Ingest, published, running, until_ready
from tests.unit.ingest.samples import opened

pytestmark = pytest.mark.integration

KAFKA = "kafka"


@pytest.fixture
def broker() -> Iterator[LocalStack]:
    """A broker of this test's own, that it may hurt."""
    options = StackOptions(
        only=frozenset({"nothing else"}), without=frozenset({"dev-key", "postgres"})
    )
    with LocalStack.temporary(options) as stack:
        yield stack


async def test_while_the_broker_is_away_clients_are_asked_to_come_again_and_then_served(
    broker: LocalStack, database: str
) -> None:
    ticket = f"T-{secrets.token_hex(6)}"
    async with running(broker.bootstrap_servers, database, ingest_delivery_seconds=1) as ingest:
        assert (await ingest.post(opened(subject=ticket, id="before"))).status_code == 202
        await asyncio.to_thread(broker.supervisor.stop_process, KAFKA)
        for attempt in range(3):
            answer = await ingest.post(opened(subject=ticket, id=f"away-{attempt}"))
            assert_come_again(answer)
        assert not await ingest.ready()
        assert (await ingest.client.get("/livez")).status_code == 200
        await asyncio.to_thread(broker.supervisor.start_process, KAFKA)
        await until_ready(ingest)
        assert (await ingest.post(opened(subject=ticket, id="after"))).status_code == 202
        stored = [event["id"] for event in await published(ingest.kafka, ticket)]
    assert stored[0] == "before"
    assert stored[-1] == "after"


def assert_come_again(answer: httpx.Response) -> None:
    document = answer.json()
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert (document["accepted"], document["retry"]) == (0, 1)
    assert document["items"][0]["status"] == "retry"


async def test_nothing_that_was_accepted_is_lost_when_the_broker_is_killed_under_load(
    broker: LocalStack, database: str
) -> None:
    ticket = f"T-{secrets.token_hex(6)}"
    async with running(broker.bootstrap_servers, database, ingest_delivery_seconds=2) as ingest:
        stop = asyncio.Event()
        senders = [asyncio.create_task(send(ingest, f"{ticket}-{n}", stop)) for n in range(4)]
        await asyncio.sleep(1)
        broker.kill(KAFKA)
        await asyncio.sleep(1)
        await asyncio.to_thread(broker.wait_ready, [KAFKA])
        await until_ready(ingest)
        await asyncio.sleep(1)
        stop.set()
        accepted = [ids for sender in senders for ids in await sender]
        stored = await published(ingest.kafka, ticket)
    assert len(accepted) > 100
    assert set(accepted) <= {event["id"] for event in stored}
    for n in range(4):
        mine = [event["id"] for event in stored if event["key"] == f"{ticket}-{n}"]
        assert first_occurrences(mine) == sorted(set(mine)), "sent again, but never out of order"


async def send(ingest: Ingest, ticket: str, stop: asyncio.Event) -> list[str]:
    """Sends batches, each again until it is accepted as a whole; the ids that were accepted."""
    accepted: list[str] = []
    batch = 0
    while not stop.is_set():
        ids = [f"{batch:05}-{n:02}" for n in range(20)]
        answer = await ingest.post([opened(subject=ticket, id=f"{ticket}:{i}") for i in ids])
        document = answer.json()
        accepted += [item["id"] for item in document["items"] if item["status"] == "accepted"]
        if document["accepted"] == len(ids):
            batch += 1
        else:
            await asyncio.sleep(0.2)
    return accepted


def first_occurrences(ids: list[str]) -> list[str]:
    return list(dict.fromkeys(ids))
