"""From a breach in Kafka to a signed webhook, on real parts."""

import asyncio
import socket
from typing import Any

import asyncpg
import pytest

from tests.integration.notify.running_notify import (
    SECRET,
    System,
    breach,
    cleared,
    fresh_topic,
    running,
    settings_for,
)
from tests.integration.notify.webhook_receiver import Receiver, receiving

pytestmark = pytest.mark.integration


async def until_state(notify: System, alert: str, state: str) -> dict[str, Any]:
    """The only delivery of an alert once it is in ``state``."""
    async with asyncio.timeout(60):
        while True:
            (delivery,) = (await notify.alert(alert))["deliveries"]
            if delivery["state"] == state:
                found: dict[str, Any] = delivery
                return found
            await asyncio.sleep(0.05)


async def test_a_breach_reaches_the_webhook_signed_with_texts_in_both_languages(
    notify: System, receiver: Receiver
) -> None:
    await notify.tell(breach())
    (message,) = await receiver.wait_for(1)
    assert message.type == "alert.opened"
    assert message.path == "/hook?a=b"
    alert = message.body["data"]["alert"]
    assert (alert["breach_id"], alert["state"], alert["limit"]) == ("breach-1", "open", 0.8)
    assert "Department after-sales" in alert["title"]["en"]
    assert "未达标" in alert["text"]["zh"]


async def test_opening_acknowledging_and_clearing_are_told_in_order(
    notify: System, receiver: Receiver
) -> None:
    await notify.tell(breach())
    (alert,) = await notify.until_alerts(1)
    body = {"actor": "li.na", "note": "calling them"}
    await notify.client.post(f"/v1/alerts/{alert['id']}/acknowledge", json=body)
    await notify.tell(cleared())
    messages = await receiver.wait_for(3)
    assert [message.type for message in messages] == [
        "alert.opened",
        "alert.acknowledged",
        "alert.resolved",
    ]
    assert len({message.message_id for message in messages}) == 3
    resolved = messages[-1].body["data"]["alert"]
    assert (resolved["acknowledged_by"], resolved["cleared_value"]) == ("li.na", 0.83)


async def test_a_failing_receiver_gets_the_same_message_again(
    notify: System, receiver: Receiver
) -> None:
    receiver.answer([500, 429, 302])
    await notify.tell(breach())
    messages = await receiver.wait_for(4)
    assert len({message.message_id for message in messages}) == 1
    assert len({str(message.body) for message in messages}) == 1
    delivery = await until_state(notify, messages[0].body["data"]["alert"]["id"], "delivered")
    assert (delivery["attempts"], delivery["last_status"]) == (4, 204)


async def test_a_later_notice_of_an_alert_waits_for_the_earlier_one(
    notify: System, receiver: Receiver
) -> None:
    receiver.answer([500, 500])
    await notify.tell(breach(), cleared())
    messages = await receiver.wait_for(4)
    assert [message.type for message in messages] == ["alert.opened"] * 3 + ["alert.resolved"]


async def test_a_redirect_is_not_followed(notify: System, receiver: Receiver) -> None:
    async with receiving(SECRET) as inner:
        receiver.location = inner.url
        receiver.answer([307, 308])
        await notify.tell(breach())
        await receiver.wait_for(3)
        assert inner.connections == 0


async def test_the_last_attempt_leaves_the_delivery_dead_and_on_record(
    kafka: str, database: str, receiver: Receiver
) -> None:
    settings = settings_for(
        kafka,
        database,
        notify_webhook_url=receiver.url,
        notify_webhook_secret=SECRET,
        notify_max_attempts=2,
    )
    receiver.answer([500] * 10)
    async with running(settings, fresh_topic()) as notify:
        await notify.tell(breach())
        (alert,) = await notify.until_alerts(1)
        delivery = await until_state(notify, alert["id"], "dead")
    assert (delivery["attempts"], delivery["last_status"]) == (2, 500)
    assert len(receiver.received) == 2


async def test_a_receiver_that_is_gone_is_told_nothing_more(
    notify: System, receiver: Receiver
) -> None:
    receiver.answer([410])
    await notify.tell(breach(1))
    await receiver.wait_for(1)
    (alert,) = await notify.until_alerts(1)
    assert (await until_state(notify, alert["id"], "dead"))["last_status"] == 410
    await notify.tell(breach(2))
    newer = (await notify.until_alerts(2))[0]
    assert (await notify.alert(newer["id"]))["deliveries"] == []
    (endpoint,) = (await notify.client.get("/v1/endpoints")).json()["items"]
    assert endpoint["disabled_reason"] == "the endpoint answered 410 Gone"
    await notify.client.post("/v1/endpoints/settings/enable", json={"actor": "ops"})
    await notify.tell(breach(3))
    assert (await receiver.wait_for(2))[1].body["data"]["alert"]["breach_id"] == "breach-3"


async def test_a_receiver_that_is_down_gets_everything_when_it_is_back(
    kafka: str, database: str
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    settings = settings_for(
        kafka,
        database,
        notify_webhook_url=f"http://127.0.0.1:{port}/",
        notify_webhook_secret=SECRET,
    )
    async with running(settings, fresh_topic()) as notify:
        await notify.tell(*(breach(number) for number in range(20)))
        alerts = await notify.until_alerts(20)
        await until_attempted(notify, alerts[0]["id"])
        async with receiving(SECRET, port) as late:
            messages = await late.wait_for(20)
    assert len({message.message_id for message in messages}) == 20


async def until_attempted(notify: System, alert: str) -> None:
    async with asyncio.timeout(60):
        while True:
            if (await notify.alert(alert))["deliveries"][0]["last_error"] is not None:
                return
            await asyncio.sleep(0.05)


async def test_a_restart_delivers_what_was_left_and_repeats_nothing(
    kafka: str, database: str
) -> None:
    topic = fresh_topic()
    async with receiving(SECRET) as receiver:
        settings = settings_for(
            kafka, database, notify_webhook_url=receiver.url, notify_webhook_secret=SECRET
        )
        receiver.answer([503])
        patient = settings.model_copy(
            update={"notify_retry_base_seconds": 1.0, "notify_retry_cap_seconds": 1.0}
        )
        async with running(patient, topic) as notify:
            await notify.tell(breach(1))
            await receiver.wait_for(1)
            await until_attempted(notify, (await notify.until_alerts(1))[0]["id"])
        async with running(settings, topic) as notify:
            await notify.tell(breach(1), breach(2))
            messages = await receiver.wait_for(3)
            await notify.until_alerts(2)
            await asyncio.sleep(0.5)  # time for a repetition, were there one
    assert len(receiver.received) == 3
    assert [message.status for message in messages] == [503, 204, 204]
    assert len({message.message_id for message in messages}) == 2


async def test_two_replicas_deliver_each_message_once(
    kafka: str, database: str, receiver: Receiver
) -> None:
    topic = fresh_topic()
    settings = settings_for(
        kafka, database, notify_webhook_url=receiver.url, notify_webhook_secret=SECRET
    )
    async with running(settings, topic) as first, running(settings, topic):
        await first.tell(*(breach(number) for number in range(40)))
        await receiver.wait_for(40)
        await asyncio.sleep(0.5)  # time for a second one, were there one
    assert len(receiver.received) == 40
    assert len({message.message_id for message in receiver.received}) == 40


async def test_a_forbidden_target_is_never_connected_to(
    kafka: str, database: str, receiver: Receiver
) -> None:
    settings = settings_for(
        kafka,
        database,
        notify_webhook_url=f"https://127.0.0.1:{receiver.port}/",
        notify_webhook_secret=SECRET,
        notify_allow_private_targets=False,
    )
    async with running(settings, fresh_topic()) as notify:
        await notify.tell(breach())
        (alert,) = await notify.until_alerts(1)
        await until_attempted(notify, alert["id"])
        (delivery,) = (await notify.alert(alert["id"]))["deliveries"]
    assert "forbidden address (loopback)" in delivery["last_error"]
    assert receiver.connections == 0


async def test_a_record_that_is_no_breach_is_set_aside_and_the_next_one_is_told(
    notify: System, receiver: Receiver, database: str
) -> None:
    await notify.tell_bytes(b"not json")
    await notify.tell(breach(7, target="a\0b"), breach(8, n=2**70), breach(9, at_ms=10**18))
    await notify.tell(breach(1))
    await receiver.wait_for(1)
    connection = await asyncpg.connect(database)
    try:
        kept = await connection.fetch("SELECT content FROM notify.refused_breaches")
    finally:
        await connection.close()
    assert len(kept) == 4
    assert len(await notify.alerts()) == 1


async def test_an_outage_of_the_database_delays_an_alert_but_loses_none(
    notify: System, receiver: Receiver, postgres: str, database: str
) -> None:
    name = database.rsplit("/", 1)[1]
    server = await asyncpg.connect(postgres)
    try:
        await server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        await server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        await notify.tell(breach())
        assert (await notify.client.get("/readyz")).status_code == 503
        refused = await notify.client.get("/v1/alerts")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.headers["content-type"] == "application/problem+json"
        await server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    finally:
        await server.close()
    assert len(await receiver.wait_for(1, seconds=90)) == 1
