"""A member of the group lets go of its partitions, whatever becomes of its last flushes."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.scoring.core.engine import Flush
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.member import Measure
from services.scoring.measure.worker import PartitionWorker
from tests.unit.scoring.test_measure_worker import RULES, Clock, KeptFlushes, read, started


class Refusing(KeptFlushes):
    """Raises what no broker does."""

    closed = False

    async def store(self, flush: Flush) -> None:
        raise ZeroDivisionError

    async def close(self) -> None:
        self.closed = True


class Consumer:
    """Says where topics end."""

    def highwater(self, _: object) -> int:
        return 0


class Member(Measure):
    """In the group, with one worker."""

    def __init__(self, worker: PartitionWorker) -> None:
        super().__init__("unused:0", 1, RULES, FlushPolicy())
        self._workers = {worker.partition: worker}
        self._consumer = cast(Any, Consumer())
        self._joined = True

    @property
    def partitions(self) -> list[int]:
        return list(self._workers)


async def test_a_worker_whose_last_flush_fails_is_let_go_all_the_same() -> None:
    store = Refusing()
    worker = await started(store, Clock())
    read(worker)
    member = Member(worker)
    with pytest.raises(ZeroDivisionError):
        await member.on_partitions_revoked([])
    assert member.partitions == []
    assert store.closed
