"""Brokers die while measure works: nothing that was accepted is lost, and no figure changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

import pytest

from deploy.local.stack import LocalStack, StackOptions
from shared.contracts.topics import INPUTS, MEASURE_CHANGELOG, MEASUREMENTS, PANES
from shared.runtime.kafka import make_admin
from tests.oracle.ticket_stream import Sent, ticket_stream
from tests.system import measured, settling
from tests.system.chaos import patiently, stored, wait_for_more
from tests.system.feeding import Feeder

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

REPLICATED = [topic.name for topic in (*INPUTS, MEASURE_CHANGELOG, PANES, MEASUREMENTS)]


def options(brokers: int) -> StackOptions:
    return StackOptions(
        brokers=brokers,
        only=frozenset({"measure"}),
        without=frozenset({"dev-key", "postgres"}),
    )


@dataclass(frozen=True)
class Run:
    """A stack that measures a stream."""

    stack: LocalStack
    feeder: Feeder
    stream: list[Sent]

    def work_on(self, share: float) -> None:
        """Let through a share of the stream, and see that some of it is measured."""
        before = stored(self.stack, MEASURE_CHANGELOG)
        self.feeder.allow(share)
        wait_for_more(self.stack, MEASURE_CHANGELOG, before)

    def finish(self) -> None:
        """Let through the rest; all of it is measured, and as the recomputation says."""
        self.feeder.finish()
        bootstrap = self.stack.bootstrap_servers
        settling.until("measuring", lambda: patiently(lambda: settling.unmeasured(bootstrap)), 120)
        wanted = measured.expected(sent.value for sent in self.stream)
        stated, twice = patiently(lambda: measured.measurement_facts(bootstrap))
        panes = patiently(lambda: measured.read_panes(bootstrap))
        assert twice + panes.faults == []
        assert measured.apart(stated, wanted) == []
        assert measured.apart(panes.cells, measured.cells_of(wanted)) == []


def test_a_killed_broker_of_three_and_then_another_lose_nothing_and_stop_nothing() -> None:
    stream = ticket_stream(tickets=4_000, seed=21)
    first, second = Random(21).sample(("kafka-1", "kafka-2", "kafka-3"), 2)
    with LocalStack.temporary(options(brokers=3)) as stack:
        supervisor = stack.supervisor
        with Feeder(stack.bootstrap_servers, stream) as feeder:
            run = Run(stack, feeder, stream)
            run.work_on(0.2)
            supervisor.stop_process(first, force=True)
            run.work_on(0.2)
            run.work_on(0.1)
            supervisor.start_process(first)
            settling.until("return of the replicas", lambda: _out_of_sync(stack), 120)
            run.work_on(0.1)
            supervisor.stop_process(second, force=True)
            run.work_on(0.2)
            run.finish()


def test_a_lone_worker_works_on_after_its_only_broker_was_restarted_and_killed() -> None:
    stream = ticket_stream(tickets=6_000, seed=22)
    with (
        LocalStack.temporary(options(brokers=1)) as stack,
        Feeder(stack.bootstrap_servers, stream) as feeder,
    ):
        run = Run(stack, feeder, stream)
        run.work_on(0.2)
        stack.restart("kafka")
        run.work_on(0.2)
        stack.supervisor.stop_process("kafka", force=True)
        stack.supervisor.start_process("kafka")
        run.work_on(0.2)
        run.finish()


def _out_of_sync(stack: LocalStack) -> list[str]:
    """Partitions of ours that not all their replicas have in full."""
    return patiently(lambda: asyncio.run(_lacking(stack.bootstrap_servers)))


async def _lacking(bootstrap: str) -> list[str]:
    admin = make_admin(bootstrap)
    try:
        await admin.start()
        described = await admin.describe_topics(REPLICATED)
    finally:
        await admin.close()
    return [
        f"{topic['topic']}-{partition['partition']}"
        for topic in described
        for partition in topic["partitions"]
        if len(partition["isr"]) < len(partition["replicas"])
    ]
