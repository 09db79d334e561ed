"""Faust carries the records, and nothing that would lose or count them twice."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.scoring.windows.app import build_app
from services.scoring.windows.runner import quiet_faust


class Failing:
    """An owner that can apply nothing."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None

    async def take(self, partition: int, records: Sequence[Any]) -> None:
        raise RuntimeError("nothing can be applied")

    def fail(self, error: BaseException) -> None:
        self.failure = error


class OneBatch:
    """A stream of one batch of one record."""

    async def events(self) -> AsyncIterator[Any]:
        yield SimpleNamespace(message=SimpleNamespace(partition=0, value=[None]))


async def test_a_batch_that_fails_ends_the_process_instead_of_being_passed_over(
    tmp_path: Path,
) -> None:
    owner = Failing()
    app = build_app("127.0.0.1:1", owner, str(tmp_path))  # type: ignore[arg-type]  # a small owner
    (agent,) = (agent for name, agent in app.agents.items() if name.endswith("windows"))
    with pytest.raises(RuntimeError, match="nothing can be applied"):
        await agent.fun(OneBatch())
    assert isinstance(owner.failure, RuntimeError)


def test_nothing_of_fausts_own_state_is_used(tmp_path: Path) -> None:
    app = build_app("127.0.0.1:1", Failing(), str(tmp_path))  # type: ignore[arg-type]  # a small owner
    assert app.conf.processing_guarantee.name == "AT_LEAST_ONCE"
    assert app.conf.broker[0].scheme == "bellwether"
    assert not app.conf.web_enabled
    assert not app.conf.topic_allow_declare
    assert not app.tables


@pytest.mark.parametrize("name", ["faust", "mode", "aiokafka"])
def test_its_loggers_are_kept_from_making_records_that_nobody_reads(name: str) -> None:
    logger = logging.getLogger(name)
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        quiet_faust()
        assert not logging.getLogger(f"{name}.inner").isEnabledFor(logging.INFO)
    finally:
        logger.setLevel(before)
