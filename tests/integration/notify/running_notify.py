"""notify as it runs, on real parts, in the loop of the test."""

import asyncio
import dataclasses
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from services.notify.main import Notify, build_app
from services.notify.settings import NotifySettings
from shared.contracts.breaches import Breach, encode_breach
from shared.contracts.topics import BREACHES, Topic
from shared.runtime.http.server import EmbeddedServer, make_config
from shared.runtime.kafka import make_producer

SECRET = "whsec_" + "c2VjcmV0" * 4
NOON_MS = 1_767_323_040_000


def breach(number: int = 1, **changes: Any) -> Breach:
    fields: dict[str, Any] = {
        "id": f"breach-{number}",
        "transition": "breached",
        "target": "after-sales-resolution",
        "indicator": "resolution_time",
        "measure": "share_within",
        "comparison": "at_least",
        "limit": 0.8,
        "within_ms": 86_400_000,
        "scope": "department:after-sales",
        "window": "24h",
        "severity": "critical",
        "value": 0.71,
        "low": 0.68,
        "high": 0.74,
        "n": 312,
        "started_ms": NOON_MS,
        "at_ms": NOON_MS + 60_000,
        "received_ms": NOON_MS + 60_500,
        "rule_version": "2026-1",
    }
    return Breach(**{**fields, **changes})


def cleared(number: int = 1, **changes: Any) -> Breach:
    ended = {"transition": "cleared", "value": 0.83, "n": 340, "at_ms": NOON_MS + 900_000}
    return breach(number, **{**ended, **changes})


@dataclasses.dataclass
class System:
    """A running notify, a client of its API, and a producer of breaches."""

    url: str
    client: httpx.AsyncClient
    producer: AIOKafkaProducer
    topic: str

    async def tell(self, *records: Breach) -> None:
        for record in records:
            await self.producer.send_and_wait(
                self.topic, encode_breach(record), key=record.key.encode(), partition=0
            )

    async def tell_bytes(self, value: bytes) -> None:
        await self.producer.send_and_wait(self.topic, value, partition=0)

    async def alerts(self, **filters: Any) -> list[dict[str, Any]]:
        response = await self.client.get("/v1/alerts", params=filters)
        response.raise_for_status()
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    async def until_alerts(self, count: int, **filters: Any) -> list[dict[str, Any]]:
        async with asyncio.timeout(60):
            while len(found := await self.alerts(**filters)) < count:  # noqa: ASYNC110 - seen over HTTP only
                await asyncio.sleep(0.05)
        return found

    async def alert(self, alert: str) -> dict[str, Any]:
        response = await self.client.get(f"/v1/alerts/{alert}")
        response.raise_for_status()
        found: dict[str, Any] = response.json()
        return found


def settings_for(kafka: str, database: str, **changes: Any) -> NotifySettings:
    return NotifySettings.model_validate(
        {
            "kafka_bootstrap_servers": kafka,
            "postgres_dsn": database,
            "partitions": 1,
            "notify_allow_private_targets": True,
            "notify_retry_base_seconds": 0.1,
            "notify_retry_cap_seconds": 0.4,
            **changes,
        }
    )


def fresh_topic() -> Topic:
    return dataclasses.replace(BREACHES, name=f"breaches-{secrets.token_hex(4)}")


@asynccontextmanager
async def running(settings: NotifySettings, topic: Topic) -> AsyncIterator[System]:
    """notify until the block ends; ready when it begins."""
    failures: list[str] = []
    notify = Notify(settings, topic, group=topic.name)
    app = build_app(settings, notify, on_failure=lambda: failures.append("background work"))
    server = EmbeddedServer(app, make_config(app, "127.0.0.1", 0))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this attribute only
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        await _until_ready(client, failures)
        producer = make_producer(settings.kafka_bootstrap_servers)
        await producer.start()
        try:
            yield System(url, client, producer, topic.name)
        finally:
            await producer.stop()
    server.should_exit = True
    await task
    assert failures == []


async def _until_ready(client: httpx.AsyncClient, failures: list[str]) -> None:
    async with asyncio.timeout(90):
        while (await client.get("/readyz")).status_code != 200:
            assert failures == []
            await asyncio.sleep(0.05)
