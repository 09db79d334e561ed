"""Whatever is killed in the middle of a replay, the totals are those of the recomputation."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from deploy.local.stack import LocalStack, StackOptions
from tests.system import settling, totals
from tests.system.logs import incidents
from tests.system.replaying import Replay, replaying

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]

SEED = 3
VICTIMS = (
    *("measure", "measure-2", "measure", "measure-2", "measure"),
    *("ingest", "windows", "recorder", "api", "notify", "feedback", "kafka", "postgres"),
)
SMALL_BATCH = 10
"""Events in a request: small, so that the replay is still under way at the last kill."""


def test_kills_in_the_middle_of_a_replay_change_no_total(tmp_path: Path) -> None:
    log = incidents(tmp_path)
    chance = Random(SEED)
    victims = chance.sample(VICTIMS, len(VICTIMS))
    with LocalStack.temporary(StackOptions(measure_workers=2)) as stack:
        with replaying(
            stack, log.path, log.mapping, tmp_path, "--batch", str(SMALL_BATCH)
        ) as running:
            for victim in victims:
                _kill(stack, running, victim, chance)
            running.finish(timeout=600)
        stack.wait_ready(timeout=120)
        found = settling.settle(stack.bootstrap_servers, stack.dsn("scoring"))
    assert totals.differences(found, log.oracle) == {}


def _kill(stack: LocalStack, running: Replay, victim: str, chance: Random) -> None:
    """Kill while events stream in, and hold the replay until the victim is back: so every kill
    falls into the replay, however fast the machine is."""
    time.sleep(chance.uniform(0.1, 0.4))
    assert running.is_running, f"the replay was over before {victim} was killed"
    stack.kill(victim)
    time.sleep(chance.uniform(0.1, 0.3))
    running.pause()
    stack.wait_ready([victim], timeout=120)
    running.resume()
