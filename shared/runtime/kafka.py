"""Kafka clients with the settings that our guarantees need, topics, and a watch on progress.

Producers wait for all in-sync replicas and are idempotent; consumers see committed records only.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.contracts.topics import Topic
from shared.runtime.kafka_connections import closing

log = structlog.get_logger("kafka")

_ALREADY_THERE = TopicAlreadyExistsError.errno
_SETTLE_SECONDS = 30.0


class TopicMismatch(RuntimeError):
    """A topic exists with another number of partitions than the settings ask for."""


class Stuck(RuntimeError):
    """There is work, and nothing of it was done for too long."""


def make_producer(bootstrap: str, **overrides: Any) -> AIOKafkaProducer:
    """Not started yet; needs a running loop. `overrides` are AIOKafkaProducer's arguments."""
    settings: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "zstd",  # aiokafka's lz4 is that of level 9: a seventh of the speed
        "max_batch_size": 512 * 1024,
        "max_request_size": 4 * 1024 * 1024,
        "request_timeout_ms": 10_000,
    }
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, **{**settings, **overrides})
    closing(producer.client)
    return producer


def make_consumer(
    *topics: str,
    bootstrap: str,
    group_id: str | None,
    read_committed: bool = True,
    **overrides: Any,
) -> AIOKafkaConsumer:
    """Not started yet; needs a running loop. `overrides` are AIOKafkaConsumer's arguments.

    A new group starts at the earliest record; offsets are never committed by a timer.
    """
    settings: dict[str, Any] = {
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "isolation_level": "read_committed" if read_committed else "read_uncommitted",
        "request_timeout_ms": 20_000,
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
    }
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=group_id, **{**settings, **overrides}
    )
    closing(consumer._client)
    return consumer


def make_admin(bootstrap: str, **overrides: Any) -> AIOKafkaAdminClient:
    """Not started yet; needs a running loop. `overrides` are AIOKafkaAdminClient's arguments."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **overrides)
    closing(admin._client)
    return admin


async def ensure_topics(
    bootstrap: str, topics: Iterable[Topic], partitions: int, replication: int
) -> None:
    """Creates what is missing and waits until every partition has a leader.

    May run at the same time in several processes. `partitions` applies to topics that declare no
    number of their own. Raises `TopicMismatch`, or KafkaError when the broker cannot be reached.
    """
    wanted = {topic.name: topic.partitions or partitions for topic in topics_once(topics)}
    admin = make_admin(bootstrap, request_timeout_ms=15_000)
    try:
        await admin.start()
        existing = await admin.list_topics()
        missing = [topic for topic in topics_once(topics) if topic.name not in existing]
        if missing:
            await _create(admin, missing, partitions, replication)
        await _wait_for_leaders(admin, wanted)
    finally:
        await admin.close()


def topics_once(topics: Iterable[Topic]) -> list[Topic]:
    return list({topic.name: topic for topic in topics}.values())


async def _create(
    admin: AIOKafkaAdminClient, missing: Sequence[Topic], partitions: int, replication: int
) -> None:
    response = await admin.create_topics(
        [
            NewTopic(
                topic.name,
                topic.partitions or partitions,
                replication,
                topic_configs={**topic.config, **_durability(replication)},
            )
            for topic in missing
        ]
    )
    for name, code, message in response.topic_errors:
        if code not in {0, _ALREADY_THERE}:  # a concurrent creator is no error
            raise for_code(code)(f"topic {name}: {message}")
        log.info("topic_ready", topic=name, created=code == 0)


def _durability(replication: int) -> dict[str, str]:
    """A record is acknowledged when at most one replica is missing."""
    return {"min.insync.replicas": str(max(1, replication - 1))}


async def _wait_for_leaders(admin: AIOKafkaAdminClient, wanted: dict[str, int]) -> None:
    async with asyncio.timeout(_SETTLE_SECONDS):
        while True:
            leading = leaders_by_topic(await admin.describe_topics(list(wanted)))
            if all(leading.get(name) == count for name, count in wanted.items()):
                return
            _refuse_other_counts(leading, wanted)
            await asyncio.sleep(0.1)


def leaders_by_topic(described: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Number of partitions by topic; topics whose partitions do not all have a leader are out."""
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in described
        if topic["error_code"] == 0
        and all(partition["leader"] >= 0 for partition in topic["partitions"])
    }


def _refuse_other_counts(leading: dict[str, int], wanted: dict[str, int]) -> None:
    for name, count in leading.items():
        if 0 < count != wanted[name]:
            raise TopicMismatch(
                f"topic {name} has {count} partitions, not {wanted[name]}: "
                "set BELLWETHER_PARTITIONS to what the broker has, or use other topics"
            )


async def started(make: Callable[[], Any], *, patience: float, pause: float = 0.5) -> Any:
    """A started client: builds one by `make` and starts it, anew until the broker answers.

    Raises the last KafkaError after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        client = make()
        try:
            await client.start()
        except BaseException as error:
            await client.stop()
            if not isinstance(error, KafkaError) or time.monotonic() + pause > deadline:
                raise
            log.warning("broker_away", error=type(error).__name__)
        else:
            return client
        await asyncio.sleep(pause)


async def broker_answers(bootstrap: str) -> bool:
    """Whether a client of its own gets an answer, whatever other clients have come to."""
    admin = make_admin(bootstrap, request_timeout_ms=5_000)
    try:
        async with asyncio.timeout(10):
            await admin.start()
            await admin.list_topics()
    except (TimeoutError, KafkaError):
        return False
    finally:
        await admin.close()
    return True


class Progress:
    """Liveness by what gets done: a client can stay stuck after a broker's restart while its
    connection looks well (aiokafka#1154).

    Call `made()` whenever work was done or there was none to do; `check` is a liveness check that
    raises `Stuck` after `patience` seconds without.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._last = clock()

    def made(self) -> None:
        self._last = self._clock()

    async def check(self) -> None:
        self.verify()

    def verify(self) -> None:
        silent = self._clock() - self._last
        if silent > self._patience:
            raise Stuck(f"no progress for {silent:.0f} s")


class ConsumerProgress:
    """A liveness check of a consumer: raises `Stuck` when records wait (or the broker does not
    say) and no position moved for `patience` seconds. It looks only when it is asked."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        patience: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._progress = Progress(patience, clock)
        self._seen: dict[Any, int] = {}

    async def check(self) -> None:
        positions = await self._positions()
        if positions != self._seen or await self._caught_up(positions):
            self._progress.made()
        self._seen = positions
        self._progress.verify()

    async def _positions(self) -> dict[Any, int]:
        partitions = list(self._consumer.assignment())
        positions = await asyncio.gather(
            *(_within_a_second(self._consumer.position(partition), -1) for partition in partitions)
        )
        return dict(zip(partitions, positions, strict=True))

    async def _caught_up(self, positions: dict[Any, int]) -> bool:
        if not positions:
            return True
        ends = await _within_a_second(self._consumer.end_offsets(list(positions)), None)
        return ends is not None and all(
            position >= ends[partition] for partition, position in positions.items()
        )


async def _within_a_second(call: Awaitable[Any], otherwise: Any) -> Any:
    try:
        async with asyncio.timeout(1.0):
            return await call
    except (TimeoutError, KafkaError):
        return otherwise
