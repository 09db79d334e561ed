"""What reaches the input topics past ingest is set aside with its reason, and changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.stack import LocalStack, StackOptions
from shared.contracts.dead_letters import DeadLetter, decode_dead_letter
from shared.contracts.topics import INPUTS, RESPONSE_TIMES, SURVEYS, TICKETS, TOPICS, Topic
from shared.runtime.kafka import make_producer
from tests.oracle.ticket_stream import Sent, ticket_stream
from tests.system import measured, settling
from tests.system.feeding import Feeder
from tests.system.records import committed_records

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TICKET = "T-000000"
"""A ticket of the stream: whatever of these were taken as true would change its figures."""

LARGE = 4_000_000
BEFORE = "1990-06-01T12:00:00Z"
LAST = "9999-12-31T23:59:59.999Z"
AT = "2026-03-04T02:30:00Z"
LATER = (datetime.fromisoformat(AT) + timedelta(minutes=6)).isoformat()
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


def event(**changes: Any) -> bytes:
    """A complaint of the ticket, but for the changes; None leaves a member out."""
    whole = {
        "specversion": "1.0",
        "id": "hostile",
        "source": "elsewhere",
        "type": "ticket.complained",
        "subject": TICKET,
        "time": AT,
        "receivedtime": AT,
        "data": {},
    } | changes
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


class Hostile(NamedTuple):
    topic: Topic
    reason: str
    value: bytes | None
    key: bytes | None = TICKET.encode()


HOSTILE = (
    *(Hostile(topic, "undecodable", b"\xff\xfe\x00 no JSON") for topic in INPUTS),
    *(Hostile(topic, "undecodable", b"") for topic in INPUTS),
    *(Hostile(topic, "undecodable", None) for topic in INPUTS),
    Hostile(TICKETS, "undecodable", b"{}"),
    Hostile(TICKETS, "undecodable", b"[" * 100_000),
    Hostile(TICKETS, "undecodable", event(specversion="2.0")),
    Hostile(TICKETS, "undecodable", event(type="ticket.complained.v2")),
    Hostile(TICKETS, "undecodable", event(dataschema="urn:bellwether:event:ticket.complained:v2")),
    Hostile(RESPONSE_TIMES, "undecodable", event(type="response.sent", data={"sender": "nobody"})),
    Hostile(SURVEYS, "undecodable", event(type="survey.sent", data={"kind": "mood"})),
    Hostile(TICKETS, "undecodable", event(subject=None)),
    Hostile(TICKETS, "undecodable", event(subject="")),
    Hostile(TICKETS, "undecodable", event(time="yesterday")),
    Hostile(SURVEYS, "undecodable", b"x" * LARGE),
    Hostile(TICKETS, "wrong_key", event(), b"T-000001"),
    Hostile(TICKETS, "wrong_key", event(), None),
    Hostile(RESPONSE_TIMES, "wrong_key", event(type="response.sent", data={"sender": "bot"}), b""),
    Hostile(TICKETS, "wrong_key", event(padding="x" * LARGE), b"T-000001"),
    Hostile(TICKETS, "future", event(time=LATER)),
    Hostile(TICKETS, "future", event(time=TOMORROW, receivedtime=None)),
    Hostile(SURVEYS, "future", event(type="survey.sent", time=LATER, data={"kind": "csat"})),
    Hostile(TICKETS, "implausible_time", event(time=BEFORE)),
    Hostile(TICKETS, "implausible_time", event(time=BEFORE, receivedtime=BEFORE)),
    Hostile(TICKETS, "implausible_time", event(time=LAST, receivedtime=LAST)),
)


@dataclass(frozen=True)
class Survived:
    """A measure that has worked through a stream with hostile records in its middle."""

    stack: LocalStack
    stream: list[Sent]

    def dead_letters(self, topic: Topic) -> list[DeadLetter]:
        assert topic.dead_letters is not None
        twin = TOPICS[topic.dead_letters]
        return [
            decode_dead_letter(v) for v in committed_records(self.stack.bootstrap_servers, twin)
        ]

    def counted(self, metric: str, label: str = "") -> Counter[str]:
        """The counter by a label of it, less what is zero."""
        text = httpx.get(f"{self.stack.url('measure')}/metrics").text
        return Counter(
            {
                sample.labels.get(label, ""): round(sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name == metric and sample.value
            }
        )


@pytest.fixture(scope="module")
def survived() -> Iterator[Survived]:
    stream = ticket_stream(tickets=600, seed=31)
    options = StackOptions(only=frozenset({"measure"}), without=frozenset({"dev-key", "postgres"}))
    with LocalStack.temporary(options) as stack:
        with Feeder(stack.bootstrap_servers, stream) as feeder:
            feeder.allow(0.5)
            asyncio.run(_send_past_ingest(stack.bootstrap_servers, stream[0]))
            feeder.finish()
        settling.until("measuring", lambda: settling.unmeasured(stack.bootstrap_servers), 60)
        yield Survived(stack, stream)


async def _send_past_ingest(bootstrap: str, first: Sent) -> None:
    """The hostile records, and an event of the stream once more in every topic."""
    producer = make_producer(bootstrap, max_request_size=8 * 1024 * 1024, compression_type=None)
    await producer.start()
    try:
        for topic, _, value, key in HOSTILE:
            await producer.send_and_wait(topic.name, value, key)
        for topic in INPUTS:
            await producer.send_and_wait(topic.name, first.value, first.ticket.encode())
    finally:
        await producer.stop()


@pytest.mark.parametrize("topic", INPUTS, ids=lambda topic: topic.name)
def test_each_is_in_the_dead_letters_of_its_topic_with_its_reason(
    survived: Survived, topic: Topic
) -> None:
    wanted = [hostile for hostile in HOSTILE if hostile.topic is topic]
    found = survived.dead_letters(topic)
    assert Counter((d.reason, d.key, d.value) for d in found) == Counter(
        (h.reason, h.key, None if h.value and len(h.value) >= LARGE else h.value) for h in wanted
    )
    assert {d.topic for d in found} == {topic.name}
    assert len({(d.partition, d.offset) for d in found}) == len(wanted)


def test_each_is_counted_by_its_reason(survived: Survived) -> None:
    counted = survived.counted("bellwether_measure_dead_letters_total", "reason")
    assert counted == Counter(hostile.reason for hostile in HOSTILE)


def test_no_figure_shows_them(survived: Survived) -> None:
    bootstrap = survived.stack.bootstrap_servers
    wanted = measured.expected(sent.value for sent in survived.stream)
    stated, twice = measured.measurement_facts(bootstrap)
    panes = measured.read_panes(bootstrap)
    assert twice + panes.faults == []
    assert measured.apart(stated, wanted) == []
    assert measured.apart(panes.cells, measured.cells_of(wanted)) == []


def test_an_event_that_comes_in_every_topic_is_known_again(survived: Survived) -> None:
    repeated = len(survived.stream) - len({sent.value for sent in survived.stream})
    counted = survived.counted("bellwether_measure_duplicates_total", "partition")
    assert counted.total() == repeated + len(INPUTS)


def test_the_worker_never_had_to_start_anew(survived: Survived) -> None:
    assert survived.counted("bellwether_measure_flush_failures_total") == Counter()
    assert survived.stack.supervisor.is_ready("measure")
