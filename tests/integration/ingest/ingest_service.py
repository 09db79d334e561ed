"""A real ingest on a real broker and database, and what its clients do."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from services.ingest.core.keys import KEY_BYTES, new_key
from services.ingest.key_store import MIGRATIONS, SCHEMA, add_key
from services.ingest.main import build_app
from services.ingest.settings import IngestSettings
from shared.contracts.topics import INPUTS
from shared.runtime.http.server import EmbeddedServer, make_config
from shared.runtime.kafka import make_consumer
from shared.runtime.postgres import connect, migrate
from tests.unit.runtime.waiting import eventually, until

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Ingest:
    """`client` shows a key that may report any source."""

    client: httpx.AsyncClient
    url: str
    dsn: str
    kafka: str

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        return await self.client.post(
            "/v1/events", content=orjson.dumps(body), headers={**JSON, **headers}
        )

    async def ready(self) -> bool:
        return (await self.client.get("/readyz")).status_code == 200


@asynccontextmanager
async def running(kafka: str, dsn: str, **settings: Any) -> AsyncIterator[Ingest]:
    await migrate(dsn, SCHEMA, MIGRATIONS)
    key = await make_key(dsn, "*")
    chosen = IngestSettings(kafka_bootstrap_servers=kafka, postgres_dsn=dsn, **settings)
    app = build_app(chosen)
    server = EmbeddedServer(app, make_config(app, "127.0.0.1", 0))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started or serving.done())
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        ingest = Ingest(client, url, dsn, kafka)
        await until_ready(ingest)
        yield ingest
    server.should_exit = True
    await serving


async def until_ready(ingest: Ingest) -> None:
    await eventually(ingest.ready, patience=60)


async def make_key(dsn: str, *sources: str) -> str:
    key = new_key(secrets.token_bytes(KEY_BYTES))
    connection = await connect(dsn, schema=SCHEMA)
    await add_key(connection, key, list(sources), "test")
    await connection.close()
    return key


async def published(kafka: str, prefix: str) -> list[dict[str, Any]]:
    """All events on the broker whose ticket begins with `prefix`, each partition in order."""
    consumer = make_consumer(*(topic.name for topic in INPUTS), bootstrap=kafka, group_id=None)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        found: list[dict[str, Any]] = []
        while any([await consumer.position(at) < end for at, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [
                    {**orjson.loads(record.value), "key": record.key.decode()}
                    for record in records
                    if record.key.startswith(prefix.encode())
                ]
        return found
    finally:
        await consumer.stop()


def now_text() -> str:
    return datetime.now(UTC).isoformat()
