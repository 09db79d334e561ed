"""The Faust app on ``panes``: no table, no window of Faust's, no web server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import faust
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from services.scoring.windows.owner import Owner
from services.scoring.windows.transport import ByBatch
from shared.contracts.topics import PANES

log = structlog.get_logger("windows.app")

GROUP: Final = "scoring-windows"
BATCH: Final = 500
"""Records of one fetch at most."""
BATCHES: Final = 16
"""So many wait for the agent at most; then their partitions are not fetched from."""


def build_app(
    bootstrap: str, owner: Owner, data_dir: str, *, topic: str = PANES.name, group: str = GROUP
) -> Any:
    """A Faust app that feeds ``owner``; start and stop it as a service.

    Faust keeps no account of what was processed (``acks=False``): at an assignment the owner reads
    the log itself. Its own account is at a loss when the beginning of the log is deleted: it never
    commits again, and remembers every record for ever.
    """
    app = faust.App(
        group,
        broker=[f"bellwether://{server.strip()}" for server in bootstrap.split(",")],
        datadir=data_dir,
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=15.0,
        broker_heartbeat_interval=3.0,
        stream_wait_empty=False,
        ConsumerScheduler=ByBatch,
        broker_max_poll_records=BATCH,
        stream_buffer_maxsize=BATCHES,
    )
    panes = app.topic(
        topic, value_type=bytes, value_serializer="raw", key_serializer="raw", acks=False
    )

    @app.on_partitions_assigned.connect(weak=False)  # type: ignore[untyped-decorator]  # Faust is untyped for us
    async def assigned(_app: Any, assigned: Iterable[Any], **_: Any) -> None:
        owner.assign(tp.partition for tp in assigned if tp.topic == topic)

    @app.on_partitions_revoked.connect(weak=False)  # type: ignore[untyped-decorator]  # Faust is untyped for us
    async def revoked(_app: Any, revoked: Iterable[Any], **_: Any) -> None:
        await owner.revoke_all()

    @app.agent(panes, name="windows")  # type: ignore[untyped-decorator]  # Faust is untyped for us
    async def follow(stream: Any) -> None:
        async for event in stream.events():
            try:
                await owner.take(event.message.partition, event.message.value)
            except Exception as error:
                # Faust would acknowledge the batch and go on: the process must end instead.
                owner.fail(error)
                raise

    return app


async def commit(app: Any, topic: str, positions: Mapping[int, int]) -> None:
    """Tell the group how far each partition was read: a restart begins there, and lag tools see
    it. Nothing depends on it, so a failure is only told."""
    thread = app.consumer._thread
    offsets = {
        TopicPartition(topic, partition): OffsetAndMetadata(position, "")
        for partition, position in positions.items()
    }
    try:
        await thread.call_thread(thread._ensure_consumer().commit, offsets)
    except KafkaError as error:
        log.warning("positions_not_committed", error=repr(error))
