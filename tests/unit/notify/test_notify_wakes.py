"""The loops of notify look when there is something to see, and no more often."""

import asyncio
from contextlib import suppress
from typing import cast

from services.notify.alert_store import AlertStore
from services.notify.bell import Bell
from services.notify.follower import STEP, Follower
from services.notify.intake import Intake
from shared.contracts.breaches import encode_breach
from shared.contracts.examples import BREACH
from shared.runtime.sse import Broadcaster


class Changes:
    """The changes of a store, which notes from where on they were asked for."""

    def __init__(self, last: int) -> None:
        self._last = last
        self.asked: list[int] = []

    async def last_sequence(self) -> int:
        return 0

    async def changes_after(self, sequence: int, limit: int) -> list[tuple[int, bytes]]:
        self.asked.append(sequence)
        return [(n, b"{}") for n in range(sequence + 1, min(self._last, sequence + limit) + 1)]


class Repeated:
    """A store in which every breach was told of before."""

    async def apply(self, *_: object) -> None:
        return None


async def followed(changes: Changes) -> None:
    follower = Follower(cast(AlertStore, changes), Broadcaster("alerts", history=8), Bell())
    following = asyncio.create_task(follower.run())
    await follower.primed.wait()
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def test_a_few_changes_are_fetched_at_once() -> None:
    changes = Changes(2)
    await followed(changes)
    assert changes.asked == [0]


async def test_many_changes_are_fetched_to_the_last() -> None:
    changes = Changes(2 * STEP + 1)
    await followed(changes)
    assert changes.asked == [0, STEP, 2 * STEP]


async def test_a_repeated_breach_wakes_too_for_its_commit_may_not_have_been_heard_of() -> None:
    woken = []
    intake = Intake(cast(AlertStore, Repeated()), lambda: woken.append(True))
    await intake.handle(0, 0, 0, encode_breach(BREACH))
    assert woken == [True]
