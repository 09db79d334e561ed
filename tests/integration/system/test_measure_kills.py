"""Workers of measure are killed at random while a stream comes in: no figure changes by one."""

from __future__ import annotations

import os
from random import Random

import pytest

from deploy.local.stack import LocalStack, StackOptions
from tests.oracle.ticket_facts import Facts
from tests.oracle.ticket_stream import ticket_stream
from tests.system import measured, settling
from tests.system.chaos import Workers
from tests.system.feeding import Feeder

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

MEASURE = {
    "BELLWETHER_PARTITIONS": "6",
    "BELLWETHER_MEASURE_SESSION_SECONDS": "3",
    "BELLWETHER_MEASURE_TICKETS_MB": "0.02",
}
"""More partitions than workers; a short session, so that what a killed worker held moves on while
the stream still comes in; and little memory, so that most tickets rest in the file."""

FROZEN_SECONDS = 5.0
"""Longer than a session: the partitions move on, and their former owner does not know."""


def test_twenty_kills_of_two_workers_and_some_of_a_lone_one_change_no_cell() -> None:
    stream = ticket_stream(tickets=13_000, seed=11)
    options = StackOptions(
        measure_workers=2,
        only=frozenset({"measure"}),
        without=frozenset({"dev-key", "postgres"}),
        environ={**os.environ, **MEASURE},
    )
    with LocalStack.temporary(options) as stack:
        workers = Workers(stack, ["measure"], Random(1))
        stack.supervisor.stop_process("measure-2")
        with Feeder(stack.bootstrap_servers, stream) as feeder:
            for _ in range(3):
                feeder.allow(0.2 / 3)
                workers.kill_one()
            workers.add("measure-2")
            for _ in range(20):
                feeder.allow(0.8 / 20)
                workers.kill_one()
            feeder.finish()
        _wait_until_measured(stack)
        _judge(stack, measured.expected(sent.value for sent in stream))


def test_kills_and_freezes_of_three_workers_change_no_cell_and_no_recorded_number() -> None:
    stream = ticket_stream(tickets=8_000, seed=12)
    options = StackOptions(
        measure_workers=3,
        only=frozenset({"measure", "recorder"}),
        without=frozenset({"dev-key"}),
        environ={**os.environ, **MEASURE},
    )
    with LocalStack.temporary(options) as stack:
        workers = Workers(stack, ["measure", "measure-2", "measure-3"], Random(2))
        recorder = Workers(stack, ["recorder"], Random(3))
        with Feeder(stack.bootstrap_servers, stream) as feeder:
            for number in range(20):
                feeder.allow(1 / 20)
                workers.kill_one()
                if number % 7 == 3:
                    recorder.kill_one()
                if number % 7 == 5:
                    workers.freeze_one(FROZEN_SECONDS)
            feeder.finish()
        _wait_until_measured(stack)
        facts = measured.expected(sent.value for sent in stream)
        _judge(stack, facts)
        dsn = stack.dsn("scoring")
        settling.until(
            "recording", lambda: measured.apart(measured.recorded_facts(dsn), facts), seconds=60
        )


def _wait_until_measured(stack: LocalStack) -> None:
    stack.wait_ready(timeout=120)
    settling.until("measuring", lambda: settling.unmeasured(stack.bootstrap_servers), 120)


def _judge(stack: LocalStack, wanted: Facts) -> None:
    stated, twice = measured.measurement_facts(stack.bootstrap_servers)
    panes = measured.read_panes(stack.bootstrap_servers)
    assert twice + panes.faults == []
    assert measured.apart(stated, wanted) == []
    assert measured.apart(panes.cells, measured.cells_of(wanted)) == []
