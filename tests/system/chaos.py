"""Kills processes of a stack at moments that a seed chooses."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Final, TypeVar

from aiokafka.errors import KafkaError

from deploy.local.stack import LocalStack
from shared.contracts.topics import MEASURE_CHANGELOG, Topic
from tests.system import settling
from tests.system.records import end_offsets

PATIENCE_SECONDS: Final = 90.0
T = TypeVar("T")


class Workers:
    """Processes of a stack that die and come back.

    Every other kill waits until a flush was stored since the last one, and then falls anywhere in
    the work; the rest fall wherever the last kill has left things: in a start, a restore or a
    rebalance.
    """

    def __init__(self, stack: LocalStack, names: Iterable[str], chance: Random) -> None:
        self._stack = stack
        self._names = list(names)
        self._chance = chance
        self._stored = 0

    def add(self, name: str) -> None:
        """Start one that was stopped, and kill it too from now on."""
        self._stack.supervisor.start_process(name)
        self._names.append(name)

    def kill_one(self) -> None:
        """SIGKILL one of them, and start it again after a moment."""
        if self._chance.random() < 1 / 2:
            self._stored = wait_for_more(self._stack, MEASURE_CHANGELOG, self._stored)
        time.sleep(self._chance.uniform(0.0, 1.0))
        victim = self._chance.choice(self._names)
        self._stack.supervisor.stop_process(victim, force=True)
        time.sleep(self._chance.uniform(0.0, 1.0))
        self._stored = stored(self._stack, MEASURE_CHANGELOG)
        self._stack.supervisor.start_process(victim)

    def freeze_one(self, seconds: float) -> None:
        """Stop one that works in the midst of whatever it is at, and let it go on when others have
        what it still takes for its own."""
        victim = self._chance.choice(self._names)
        self._stack.wait_ready([victim], PATIENCE_SECONDS)
        pid = self._stack.supervisor.pid(victim)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)


def stored(stack: LocalStack, topic: Topic) -> int:
    """Offsets given out in a topic, over its partitions."""
    ends = patiently(lambda: end_offsets(stack.bootstrap_servers, [topic]))
    return sum(ends.values())


def patiently(ask: Callable[[], T]) -> T:
    """The answer of a cluster, of which a broker may just have died: its clients are told of new
    leaders only when a call has failed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except KafkaError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def wait_for_more(stack: LocalStack, topic: Topic, before: int) -> int:
    """Wait until a topic has grown past ``before``; returns where it stands."""
    settling.until(
        f"growth of {topic.name} past {before}",
        lambda: stored(stack, topic) <= before and "nothing was stored",
        PATIENCE_SECONDS,
    )
    return stored(stack, topic)
