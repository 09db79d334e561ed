"""The read API on a real Kafka and Postgres: it follows the topics and adds up months exactly."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest

from services.scoring.api.runner import build_app
from services.scoring.settings import ScoringSettings
from shared.contracts.topics import BREACHES, SCORES, Topic
from shared.runtime.http.server import EmbeddedServer, make_config
from shared.runtime.kafka import ensure_topics, make_producer
from shared.runtime.postgres import migrate
from tests.unit.runtime.waiting import eventually, until
from tests.unit.scoring.api.records import breach, score_bytes

pytestmark = pytest.mark.integration

PARTITIONS = 2
MIGRATIONS = Path(__file__).parents[3] / "services" / "scoring" / "migrations"
NOBODY = "postgresql://nobody:x@127.0.0.1:1/none"


class Topics(NamedTuple):
    scores: Topic
    breaches: Topic


@pytest.fixture
async def topics(kafka: str) -> Topics:
    suffix = secrets.token_hex(4)
    own = Topics(
        *(dataclasses.replace(topic, name=f"{topic.name}-{suffix}") for topic in (SCORES, BREACHES))
    )
    await ensure_topics(kafka, own, PARTITIONS, 1)
    return own


async def tell(kafka: str, topic: Topic, *records: tuple[str, bytes | None]) -> None:
    producer = make_producer(kafka)
    await producer.start()
    for key, value in records:
        await producer.send_and_wait(topic.name, value, key.encode())
    await producer.stop()


@asynccontextmanager
async def serving(
    kafka: str, topics: Topics, dsn: str = NOBODY
) -> AsyncIterator[httpx.AsyncClient]:
    failures: list[str] = []
    settings = ScoringSettings.model_validate(
        {"kafka_bootstrap_servers": kafka, "postgres_dsn": dsn, "partitions": PARTITIONS}
    )
    app = build_app(settings, topics, lambda: failures.append("the work ended"))
    server = EmbeddedServer(app, make_config(app, "127.0.0.1", 0))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        await answer_of(client, "/readyz")
        yield client
    server.should_exit = True
    await task
    assert failures == []


async def test_a_new_replica_knows_everything_before_it_is_ready(
    kafka: str, topics: Topics
) -> None:
    await tell(
        kafka,
        topics.scores,
        ("department:it|1h", score_bytes(csat=0.1)),
        ("department:it|1h", score_bytes(csat=0.9, stream_ms=2_000)),
        ("organisation|1h", score_bytes("organisation")),
        ("organisation|1h", None),
    )
    await tell(kafka, topics.breaches, ("k", breach("b1")), ("k", breach("b1", "cleared")))
    async with serving(kafka, topics) as client:
        body = (await client.get("/v1/windows")).json()
        ended = (await client.get("/v1/breaches?state=cleared")).json()["items"]
    assert [(i["scope"], i["figures"][0]["value"]) for i in body["items"]] == [
        ("department:it", 0.9)
    ]
    assert body["stream_ms"] == 2_000
    assert [item["id"] for item in ended] == ["b1"]


async def test_what_changes_reaches_readers_and_followers(kafka: str, topics: Topics) -> None:
    async with serving(kafka, topics) as client, client.stream("GET", "/v1/stream") as stream:
        lines = stream.aiter_lines()
        await tell(kafka, topics.scores, ("department:it|1h", score_bytes()))
        await tell(kafka, topics.breaches, ("k", breach("b7")))
        told: list[str] = []
        async with asyncio.timeout(30):
            while not {"event: score", "event: breach"} <= set(told):
                told.append(await anext(lines))
        assert (await client.get("/v1/breaches")).json()["items"][0]["id"] == "b7"
        assert (await client.get("/v1/meta")).json()["departments"] == ["it"]


async def test_the_scoreboard_follows_the_topic(kafka: str, topics: Topics) -> None:
    async def score_of_ann(client: httpx.AsyncClient) -> float:
        body = (await client.get("/v1/scoreboard?department=it&window=1h")).json()
        (row,) = body["items"]
        assert row["scope"] == "employee:it/ann"
        return float(row["windows"]["1h"]["score"])

    key = "employee:it/ann|1h"
    await tell(kafka, topics.scores, (key, score_bytes("employee:it/ann", score=71.5)))
    async with serving(kafka, topics) as client:
        assert await score_of_ann(client) == 71.5
        await tell(kafka, topics.scores, (key, score_bytes("employee:it/ann", score=12.0)))
        async with asyncio.timeout(30):
            while await score_of_ann(client) != 12.0:
                continue


async def test_what_cannot_be_read_stops_nothing(kafka: str, topics: Topics) -> None:
    await tell(
        kafka,
        topics.scores,
        ("x", b"not json"),
        ("y", score_bytes("planet:earth")),
        ("department:it|1h", score_bytes()),
    )
    async with serving(kafka, topics) as client:
        assert len((await client.get("/v1/windows")).json()["items"]) == 1


def ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]  # year to hour


JANUARY = (ms(2023, 12, 31, 16), ms(2024, 1, 31, 16))
COLUMNS = [
    *("source", "revision", "ticket", "indicator", "sequence", "sign", "time_ms", "value", "good"),
    *("department", "team", "employee", "channel", "category", "event", "rule_version"),
    "record_offset",
]


def measured(
    number: int, indicator: str, value: int, good: int, *, sign: int = 1, **other: Any
) -> tuple[Any, ...]:
    fields: dict[str, Any] = {
        "source": 0,
        "revision": 1,
        "ticket": f"T-{number}",
        "indicator": indicator,
        "sequence": 0,
        "sign": sign,
        "time_ms": JANUARY[0] + number,
        "value": value,
        "good": good,
        "department": "it",
        "team": "x",
        "employee": "ann",
        "channel": "",
        "category": "",
        "event": number,
        "rule_version": "v1",
        "record_offset": number,
    }
    return tuple({**fields, **other}[column] for column in COLUMNS)


async def store(dsn: str, rows: list[tuple[Any, ...]]) -> None:
    await migrate(dsn, "scoring", MIGRATIONS)
    connection = await asyncpg.connect(dsn, timeout=5)
    await connection.execute("SET search_path = scoring")
    await connection.execute("CREATE TABLE everything PARTITION OF measurements DEFAULT")
    await connection.copy_records_to_table("measurements", records=rows, columns=COLUMNS)
    await connection.close()


def percentile(values: list[int], q: float) -> int:
    return sorted(values)[math.ceil(q * len(values) - 1e-9) - 1]


async def test_a_month_is_added_up_exactly(kafka: str, topics: Topics, database: str) -> None:
    drawn = random.Random(3)
    values = [drawn.randint(1, 50) for _ in range(300)]
    rows = [measured(n, "resolution_time", value, value < 25) for n, value in enumerate(values)]
    taken_back = [
        measured(n, "resolution_time", value, value < 25, sign=-1)
        for n, value in enumerate(values[:40])
    ]
    answers = [measured(1000 + n, "csat", 800, n < 30) for n in range(40)]
    elsewhere = [
        measured(1, "csat", 800, 0, time_ms=JANUARY[0] - 1),
        measured(2, "csat", 800, 0, time_ms=JANUARY[1]),
        measured(3, "csat", 800, 0, employee=""),
        measured(4, "csat", 800, 1, department="hr", employee="bo", team=""),
        measured(5, "backlog", 1, 0),
    ]
    opinions = [measured(2000 + n, "nps", (1, 1, 0, -1)[n % 4], n % 4 < 2) for n in range(40)]
    ratings = [measured(3000 + n, "peer_review", (500, 1000)[n % 2], 0) for n in range(40)]
    await store(database, rows + taken_back + answers + opinions + ratings + elsewhere)
    async with serving(kafka, topics, database) as client:
        answer = await answer_of(client, "/v1/periods/2024-01/employees?department=it")
        everybody = (await client.get("/v1/periods/2024-01/employees")).json()["items"]
    assert (answer["start_ms"], answer["end_ms"], answer["zone"]) == (*JANUARY, "Asia/Shanghai")
    assert answer["closed"] is True
    (item,) = answer["items"]
    csat, nps, review, time = item["figures"]
    kept = values[40:]
    assert (csat["indicator"], csat["n"], csat["good"], csat["value"]) == ("csat", 40, 30, 0.75)
    assert (nps["n"], nps["good"], nps["total"], nps["value"]) == (40, 20, 10, 25.0)
    spread = 1.959964 * (11 / 16 * 40 / 39) ** 0.5 / 40**0.5
    assert nps["high"] == pytest.approx(25 + 100 * spread)
    assert (review["n"], review["value"]) == (40, 0.75)
    assert (time["n"], time["total"]) == (260, sum(kept))
    assert time["good"] == sum(value < 25 for value in kept)
    for name, q in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        assert time[name] == percentile(kept, q)
    assert [(i["department"], i["employee"]) for i in everybody] == [("hr", "bo"), ("it", "ann")]


async def answer_of(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """The answer, once what the service depends on has been reached."""
    answers: list[httpx.Response] = []

    async def answered() -> bool:
        answers.append(await client.get(path))
        return answers[-1].status_code != 503

    await eventually(answered, patience=40)
    found: dict[str, Any] = answers[-1].raise_for_status().json()
    return found
