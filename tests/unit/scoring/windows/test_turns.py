"""Breaches do not wait for score records, and a slow machine turns less often."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from services.scoring.core.evaluation import Evaluation
from services.scoring.windows import owner as owner_module
from services.scoring.windows import score_sender as score_sender_module
from services.scoring.windows.emitter import Emitter, Message
from services.scoring.windows.owner import PLENTY_RECORDS, TURN_SECONDS, Owner, pause_after
from services.scoring.windows.partition import MOST_WAITING, LogRecord, OwnedPartition
from services.scoring.windows.score_sender import LONGEST_STEP_SECONDS, ScoreSender
from services.scoring.windows.topics import REGISTERED
from shared.contracts.breaches import decode_breach
from shared.contracts.figures import WrittenScore, decode_score
from shared.contracts.panes import encode_pane_record
from shared.runtime.kafka import Progress, Stuck
from tests.unit.runtime.waiting import until
from tests.unit.scoring.rule_texts import history
from tests.unit.scoring.windows.pane_stream import Fact, cells_touched, update

NOW_MS = 1_700_000_100_000
RULES = history(
    """\
targets:
  - id: backlog
    name: {en: Backlog, zh: 待办}
    indicator: backlog
    measure: value
    at_most: 3
    window: 5m
    applies_to: ["employee:*/*"]
"""
)


@dataclass(frozen=True)
class Record:
    """Of the log of panes."""

    offset: int
    value: bytes


class Kept:
    """A topic that keeps what it is sent; ``open`` is cleared while its broker is away."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, messages: Sequence[Message]) -> None:
        await self.open.wait()
        self.messages += messages

    @property
    def emitter(self) -> Emitter:
        return cast("Emitter", self)


def partition(number: int) -> OwnedPartition:
    """Restored from an empty log."""
    owned = OwnedPartition(number, Evaluation(RULES, 1, fresh=True), lambda: NOW_MS)
    owned.finish_restore(0)
    return owned


class OwnerOf(Owner):
    """Owns one partition without having asked a broker for it."""

    def __init__(self, breaches: Kept, scores: Kept) -> None:
        super().__init__(
            "unused:0",
            1,
            rules=RULES,
            breaches=breaches.emitter,
            scores=scores.emitter,
            now_ms=lambda: NOW_MS,
            topics=REGISTERED,
        )
        self._owned[0] = partition(0)


def piled_up(employees: Sequence[str], tickets: int = 5, offset: int = 0) -> LogRecord:
    """So many tickets are open with each of them."""
    facts = [Fact(0, NOW_MS, "backlog", tickets, 0, name) for name in employees]
    cells = cells_touched([], facts, ZoneInfo("UTC"))
    record = update(0, cells, watermark_ms=NOW_MS, caught_up=True)
    return Record(offset, encode_pane_record(record))


async def test_a_breach_is_sent_while_score_records_cannot_be() -> None:
    breaches, scores = Kept(), Kept()
    scores.open.clear()
    owner = OwnerOf(breaches, scores)
    await owner.take(0, [piled_up(["ann"])])
    await owner.turn()
    stuck = asyncio.create_task(owner.scores.keep_sending())
    await asyncio.sleep(0)
    await owner.take(0, [piled_up(["bo"], offset=1)])
    await owner.turn()
    assert [decode_breach(m.value).scope for m in breaches.messages] == [
        "employee:d/ann",
        "employee:d/bo",
    ]
    assert scores.messages == []
    scores.open.set()
    await until(lambda: len([m for m in scores.messages if b"employee" in m.key]) == 2 * 6)
    stuck.cancel()


async def test_records_are_applied_all_at_once_by_the_next_turn() -> None:
    breaches = Kept()
    owner = OwnerOf(breaches, Kept())
    for offset, name in enumerate(("ann", "bo", "cy")):
        await owner.take(0, [piled_up([name], offset=offset)])
    assert owner.positions() == {0: 0}
    await owner.turn()
    assert owner.positions() == {0: 3}
    assert {decode_breach(m.value).scope for m in breaches.messages} == {
        "employee:d/ann",
        "employee:d/bo",
        "employee:d/cy",
    }


async def test_a_stream_waits_while_too_many_records_do() -> None:
    owner = OwnerOf(Kept(), Kept())
    many = [piled_up(["ann"], offset=offset) for offset in range(MOST_WAITING)]
    taking = asyncio.create_task(owner.take(0, many))
    await asyncio.sleep(0)
    assert not taking.done()
    await owner.turn()
    await taking
    assert owner.positions() == {0: MOST_WAITING}


async def test_a_stream_does_not_wait_for_a_partition_that_was_let_go() -> None:
    owner = OwnerOf(Kept(), Kept())
    many = [piled_up(["ann"], offset=offset) for offset in range(MOST_WAITING)]
    taking = asyncio.create_task(owner.take(0, many))
    await asyncio.sleep(0)
    await owner.revoke_all()
    await taking
    assert owner.positions() == {}


async def test_partitions_are_let_go_when_the_score_records_that_are_made_are_stored() -> None:
    scores = Kept()
    owner = OwnerOf(Kept(), scores)
    await owner.take(0, [piled_up(["ann"])])
    await owner.turn()
    scores.open.clear()
    sending = asyncio.create_task(owner.scores.send_some())
    await asyncio.sleep(0)
    letting_go = asyncio.create_task(owner.revoke_all())
    await asyncio.sleep(0.01)
    assert not letting_go.done()
    scores.open.set()
    await letting_go
    assert sending.done()
    assert scores.messages


async def test_records_that_come_twice_are_applied_once() -> None:
    owner = OwnerOf(Kept(), Kept())
    records = [piled_up(["ann"], offset=offset) for offset in range(10)]
    await owner.take(0, records)
    await owner.take(0, records[:5])
    await owner.turn()
    assert owner.positions() == {0: 10}


class Told(Progress):
    """Stuck until it is told once that something was done."""

    def __init__(self, patience: float) -> None:
        super().__init__(patience)
        self._was_made = False

    def made(self) -> None:
        self._was_made = True

    def verify(self) -> None:
        if not self._was_made:
            raise Stuck("nothing was done")


@pytest.mark.parametrize("scores_first", [True, False])
async def test_it_lives_while_targets_are_judged_and_score_records_sent(
    monkeypatch: pytest.MonkeyPatch, scores_first: bool
) -> None:
    monkeypatch.setattr(owner_module, "Progress", Told)
    monkeypatch.setattr(score_sender_module, "Progress", Told)
    owner = OwnerOf(Kept(), Kept())
    works = [owner.turn, owner.scores.send_some]
    for work in reversed(works) if scores_first else works:
        with pytest.raises(Stuck):
            await owner.check_progress()
        await work()
    await owner.check_progress()


async def test_plenty_of_records_end_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner_module, "pause_after", lambda _: 3600.0)
    owner = OwnerOf(Kept(), Kept())
    keeping = asyncio.create_task(owner.keep_time())
    await asyncio.sleep(0.01)
    offsets = count()
    await owner.take(0, [piled_up(["ann"], offset=next(offsets))])
    await asyncio.sleep(2 * TURN_SECONDS)
    assert owner.positions() == {0: 0}
    await owner.take(
        0, [piled_up(["ann"], offset=next(offsets)) for _ in range(PLENTY_RECORDS - 1)]
    )
    await until(lambda: owner.positions() == {0: PLENTY_RECORDS})
    keeping.cancel()


def test_a_pause_is_as_long_as_the_turn_and_no_longer_than_a_tenth_of_a_second() -> None:
    assert pause_after(0.01) == 0.01
    assert pause_after(2.0) == 0.1


class Steps:
    """A clock by which every record takes the longest step, and storing nothing."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += LONGEST_STEP_SECONDS
        return self._now


async def test_a_step_ends_in_time_and_the_next_begins_with_the_next_partition() -> None:
    kept = Kept()
    owned = [partition(number) for number in (0, 1)]
    for each, employees in zip(owned, (["ann", "bo", "cy"], ["di"]), strict=True):
        each.put([piled_up(employees)])
        each.take_waiting()
        each.tick()
    sender = ScoreSender(kept.emitter, lambda: owned, Steps())
    sizes = []
    while await sender.send_some():
        sizes.append(len(kept.messages))
    assert sizes == list(range(1, 6 * (1 + 3) + 6 * (1 + 1) + 1))
    places = [n for n, m in enumerate(kept.messages) if decode_score(m.value).scope.endswith("/di")]
    assert len(places) == 6
    assert max(places) < 2 * 12


class Emptied:
    """A partition whose windows have all run empty."""

    partition = 0

    def __init__(self, windows: int) -> None:
        self.left = windows

    def due_scores(self, most: int) -> Iterator[WrittenScore | None]:
        for _ in range(min(most, self.left)):
            self.left -= 1
            yield None


async def test_windows_of_which_nothing_is_sent_take_their_time_too() -> None:
    emptied = Emptied(3)
    sender = ScoreSender(Kept().emitter, lambda: [cast("OwnedPartition", emptied)], Steps())
    left = []
    while await sender.send_some():
        left.append(emptied.left)
    assert left == [2, 1, 0]


class Waits:
    """A clock that stands still but for what storing takes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowlyKept(Kept):
    """Storing takes as long as it is told."""

    def __init__(self, clock: Waits, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds

    async def send(self, messages: Sequence[Message]) -> None:
        self._clock.now += self._seconds
        await super().send(messages)


class Busy:
    """A partition with no end of windows, each of which takes a millisecond."""

    partition = 0

    def __init__(self, clock: Waits) -> None:
        self.made = 0
        self._clock = clock

    def due_scores(self, most: int) -> Iterator[WrittenScore | None]:
        for _ in range(most):
            self.made += 1
            self._clock.now += 0.001
            yield None


@pytest.mark.parametrize(("storing_s", "made"), [(0.0, 10), (0.15, 32), (9.0, 50)])
async def test_who_waits_long_for_a_turn_takes_a_longer_one(storing_s: float, made: int) -> None:
    clock = Waits()
    busy = Busy(clock)
    kept = SlowlyKept(clock, storing_s)
    sender = ScoreSender(kept.emitter, lambda: [cast("OwnedPartition", busy)], clock)
    await sender.send_some()
    first = busy.made
    await sender.send_some()
    assert busy.made - first == pytest.approx(made, abs=1)
