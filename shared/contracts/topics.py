"""The registry of topics: every topic is declared here, once."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

DAY_MS: Final = 86_400_000
Encoding = Literal["cloudevents+json", "json", "msgpack"]


_COMPACTION: Final = {
    "segment.bytes": str(16 * 1024 * 1024),
    "segment.ms": str(10 * 60_000),
    "min.cleanable.dirty.ratio": "0.1",
}
"""Only closed segments are compacted: with Kafka's defaults a reader would start a day back."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and its contract.

    ``partitions`` None means the number of partitions of the input topics, which all co-partitioned
    topics share. ``retention_ms`` -1 keeps everything. ``dead_letters`` names the twin that takes
    what can never be processed.
    """

    name: str
    key: str
    value: str
    encoding: Encoding
    summary: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    version: int = 1
    partitions: int | None = None
    compacted: bool = False
    retention_ms: int = 7 * DAY_MS
    dead_letters: str | None = None

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings as Kafka names them."""
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(4 * 1024 * 1024),
            **(_COMPACTION if self.compacted else {}),
        }


def _input(name: str, summary: str) -> Topic:
    return Topic(
        name,
        key="ticket id",
        value="Event",
        encoding="cloudevents+json",
        summary=summary,
        producers=("ingest",),
        consumers=("scoring.measure",),
        retention_ms=35 * DAY_MS,
        dead_letters=f"{name}.dlq",
    )


def _dead_letters(name: str) -> Topic:
    return Topic(
        f"{name}.dlq",
        key="as it came",
        value="DeadLetter",
        encoding="json",
        summary=f"What of {name} can never be processed, with the reason",
        producers=("scoring.measure",),
        consumers=(),
        retention_ms=35 * DAY_MS,
    )


TICKETS: Final = _input("tickets", "What happened to tickets")
RESPONSE_TIMES: Final = _input("response-times", "Public replies, and durations a source measured")
SURVEYS: Final = _input("surveys", "Surveys sent and answered, reviews")
INPUTS: Final = (TICKETS, RESPONSE_TIMES, SURVEYS)

MEASURE_CHANGELOG: Final = Topic(
    "measure-changelog",
    key="none",
    value="ChangelogRecord",
    encoding="msgpack",
    summary="State of the measuring engine with its input position; trimmed by its owner",
    producers=("scoring.measure",),
    consumers=("scoring.measure",),
    retention_ms=-1,
)
PANES: Final = Topic(
    "panes",
    key="group",
    value="PaneRecord",
    encoding="msgpack",
    summary="Mergeable summaries of measurements, absolute; trimmed by the windows that read them",
    producers=("scoring.measure",),
    consumers=("scoring.windows",),
    retention_ms=-1,
)
MEASUREMENTS: Final = Topic(
    "measurements",
    key="none",
    value="MeasurementBatch",
    encoding="msgpack",
    summary="Every number derived from events, in batches",
    producers=("scoring.measure",),
    consumers=("scoring.recorder",),
    retention_ms=35 * DAY_MS,
)
SCORES: Final = Topic(
    "scores",
    key="scope|window",
    value="ScoreRecord",
    encoding="json",
    summary="Figures, verdicts and score of one scope in one window",
    producers=("scoring.windows",),
    consumers=("scoring.api",),
    compacted=True,
    retention_ms=-1,
)
BREACHES: Final = Topic(
    "breaches",
    key="target|scope|window",
    value="Breach",
    encoding="json",
    summary="A target began or ceased to be missed",
    producers=("scoring.windows",),
    consumers=("scoring.windows", "scoring.api", "notify"),
    retention_ms=400 * DAY_MS,
)

TOPICS: Final[Mapping[str, Topic]] = MappingProxyType(
    {
        topic.name: topic
        for topic in (
            *INPUTS,
            *(_dead_letters(topic.name) for topic in INPUTS),
            MEASURE_CHANGELOG,
            PANES,
            MEASUREMENTS,
            SCORES,
            BREACHES,
        )
    }
)


def topic_for(event_type: str) -> Topic:
    """The input topic of an event type; raises ``KeyError`` for a type of no family."""
    return _TOPIC_BY_FAMILY[event_type.partition(".")[0]]


_TOPIC_BY_FAMILY: Final = {"ticket": TICKETS, "response": RESPONSE_TIMES, "survey": SURVEYS}


def partition_of(key: str, partitions: int) -> int:
    """The partition of a group of panes: stable across processes and releases."""
    return zlib.crc32(key.encode()) % partitions
