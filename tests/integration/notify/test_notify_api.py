"""The API of notify on real parts."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.notify.running_notify import (
    System,
    breach,
    cleared,
    fresh_topic,
    running,
    settings_for,
)
from tests.integration.notify.webhook_receiver import Receiver, receiving

pytestmark = pytest.mark.integration


async def read_events(
    client: httpx.AsyncClient, count: int, last_event_id: int | None = None
) -> list[tuple[int, dict[str, Any]]]:
    """The first ``count`` alerts of the stream with their ids."""
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    found: list[tuple[int, dict[str, Any]]] = []
    current = 0
    async with (
        asyncio.timeout(60),
        client.stream("GET", "/v1/alerts/stream", headers=headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            if line.startswith("id: "):
                current = int(line[4:])
            if line.startswith("data: "):
                found.append((current, json.loads(line[6:])))
            if len(found) == count:
                break
    return found


async def test_alerts_are_listed_by_state_scope_and_severity(notify: System) -> None:
    await notify.tell(
        breach(1),
        breach(2, severity="warning", scope="team:after-sales/returns"),
        breach(3),
        cleared(3),
    )
    await notify.until_alerts(1, state="resolved")
    assert [alert["breach_id"] for alert in await notify.alerts()] == [
        "breach-3",
        "breach-2",
        "breach-1",
    ]
    assert len(await notify.alerts(state="active")) == 2
    assert len(await notify.alerts(state="open", severity="warning")) == 1
    (team,) = await notify.alerts(scope="team:after-sales/returns")
    assert team["breach_id"] == "breach-2"


async def test_pages_follow_one_another_without_gap_or_repetition(notify: System) -> None:
    await notify.tell(*(breach(number) for number in range(7)))
    await notify.until_alerts(7)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await notify.client.get("/v1/alerts", params=params)).json()
        seen += [alert["breach_id"] for alert in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"breach-{number}" for number in reversed(range(7))]


async def test_an_unchanged_list_is_not_sent_again(notify: System) -> None:
    await notify.tell(breach())
    await notify.until_alerts(1)
    first = await notify.client.get("/v1/alerts", params={"state": "resolved"})
    again = await notify.client.get(
        "/v1/alerts",
        params={"state": "resolved"},
        headers={"If-None-Match": first.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_acknowledging_twice_keeps_the_first_and_fails_once_resolved(notify: System) -> None:
    await notify.tell(breach())
    (alert,) = await notify.until_alerts(1)
    path = f"/v1/alerts/{alert['id']}/acknowledge"
    first = await notify.client.post(path, json={"actor": "li.na"})
    second = await notify.client.post(path, json={"actor": "wang.wei"})
    assert first.json()["state"] == "acknowledged"
    for member in ("state", "acknowledged_by", "acknowledged_at"):
        assert second.json()[member] == first.json()[member]
    await notify.tell(cleared())
    await notify.until_alerts(1, state="resolved")
    refused = await notify.client.post(path, json={"actor": "li.na"})
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_wrong_address_is_answered_with_a_problem(notify: System) -> None:
    wrong = {
        f"/v1/alerts/{uuid4()}": 404,
        "/v1/alerts/not-an-id": 422,
        "/v1/alerts?cursor=x": 422,
        "/v1/alerts?cursor=1%0A": 422,
        "/v1/alerts?state=wrong": 422,
        "/v1/alerts?limit=0": 422,
        "/v1/nothing": 404,
    }
    for path, status in wrong.items():
        response = await notify.client.get(path)
        assert (path, response.status_code) == (path, status)
        assert response.headers["content-type"] == "application/problem+json"


async def test_an_acknowledgement_without_a_proper_actor_is_refused(notify: System) -> None:
    wrong: list[Any] = [{}, {"actor": ""}, {"actor": " a"}, {"actor": "a", "more": 1}, {"actor": 7}]
    for body in [*wrong, []]:
        response = await notify.client.post(f"/v1/alerts/{uuid4()}/acknowledge", json=body)
        assert (body, response.status_code) == (body, 422)


async def test_an_alerts_history_names_who_did_what(notify: System) -> None:
    await notify.tell(breach())
    (alert,) = await notify.until_alerts(1)
    await notify.client.post(f"/v1/alerts/{alert['id']}/acknowledge", json={"actor": "li.na"})
    history = (await notify.alert(alert["id"]))["history"]
    assert [(step["transition"], step["actor"]) for step in history] == [
        ("opened", None),
        ("acknowledged", "li.na"),
    ]


async def test_the_stream_sends_each_change_as_it_happens(notify: System) -> None:
    reading = asyncio.create_task(read_events(notify.client, 2))
    await asyncio.sleep(0.3)
    await notify.tell(breach(), cleared())
    events = await reading
    assert [(id, alert["state"]) for id, alert in events] == [(1, "open"), (2, "resolved")]
    (listed,) = await notify.until_alerts(1, state="resolved")
    assert events[1][1]["text"] == listed["text"]


async def test_a_client_goes_on_after_a_restart_from_the_last_id_it_saw(
    kafka: str, database: str
) -> None:
    topic = fresh_topic()
    settings = settings_for(kafka, database)
    async with running(settings, topic) as notify:
        await notify.tell(*(breach(number) for number in range(5)))
        await notify.until_alerts(5)
    async with running(settings, topic) as notify:
        events = await read_events(notify.client, 3, last_event_id=2)
    assert [id for id, _ in events] == [3, 4, 5]


async def test_every_replica_streams_what_another_one_changed(kafka: str, database: str) -> None:
    topic = fresh_topic()
    settings = settings_for(kafka, database)
    async with running(settings, topic) as one, running(settings, topic) as other:
        streams = [asyncio.create_task(read_events(s.client, 1)) for s in (one, other)]
        await asyncio.sleep(0.3)
        await one.tell(breach())
        events = await asyncio.gather(*streams)
    assert events[0] == events[1]


async def test_an_endpoint_gets_a_secret_of_its_own_which_is_told_once(
    notify: System, receiver: Receiver
) -> None:
    body = {"url": receiver.url.replace("/hook", "/other"), "actor": "ops", "description": "chat"}
    made = (await notify.client.post("/v1/endpoints", json=body)).json()
    async with receiving(made["secret"], port=0) as other:
        body["url"] = other.url
        second = (await notify.client.post("/v1/endpoints", json=body)).json()
        assert second["secret"] != made["secret"]
    listed = (await notify.client.get("/v1/endpoints")).text
    assert made["secret"] not in listed
    assert "salt" not in listed
    for endpoint in (made["id"], second["id"]):
        path = f"/v1/endpoints/{endpoint}"
        assert (await notify.client.delete(path, params={"actor": "ops"})).status_code == 204
        assert (await notify.client.delete(path, params={"actor": "ops"})).status_code == 404
    await notify.tell(breach())
    (message,) = await receiver.wait_for(1)
    assert message.path == "/hook?a=b"


async def test_messages_to_an_added_endpoint_verify_with_its_secret(
    kafka: str, database: str
) -> None:
    topic = fresh_topic()
    settings = settings_for(kafka, database)
    async with running(settings, topic) as notify, receiving("whsec_" + "A" * 32) as receiver:
        body = {"url": receiver.url, "actor": "ops"}
        made = (await notify.client.post("/v1/endpoints", json=body)).json()
        receiver.use_secret(made["secret"])
        await notify.tell(breach())
        assert len(await receiver.wait_for(1)) == 1


async def test_a_forbidden_endpoint_is_not_taken(notify: System) -> None:
    for url in (
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::7f00:1]/",
        "http://user:secret@127.0.0.1/",
        "file:///etc/passwd",
        "http://0/",
        "nonsense",
    ):
        response = await notify.client.post("/v1/endpoints", json={"url": url, "actor": "ops"})
        assert (url, response.status_code) == (url, 422)
        assert response.json()["errors"][0]["pointer"] == "/url"


async def test_the_console_may_call_from_its_origin_and_others_may_not(notify: System) -> None:
    for origin, allowed in (("http://localhost:8020", True), ("http://evil.example", False)):
        response = await notify.client.get("/v1/alerts", headers={"Origin": origin})
        assert ("access-control-allow-origin" in response.headers) is allowed


async def test_metrics_tell_the_time_from_reception_to_the_first_attempt(
    notify: System, receiver: Receiver
) -> None:
    await notify.tell(breach())
    await receiver.wait_for(1)
    text = (await notify.client.get("/metrics")).text
    assert "bellwether_notify_received_to_first_attempt_seconds_count" in text
    assert "bellwether_notify_breach_to_first_attempt_seconds_count" in text
