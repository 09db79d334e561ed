"""One replay from end to end, of parts that are handed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import BinaryIO, Literal

from deploy.events_client.sender import EventSender
from deploy.replay.delivery import Delivery, batches
from deploy.replay.display import Display
from deploy.replay.loading import LoadedMapping
from deploy.replay.pacing import Pace
from deploy.replay.plan import Plan, Tally
from deploy.replay.rejects import RejectFile
from deploy.replay.resume import Progress, ReplayKey, ResumePoint, digest_of
from deploy.replay.spool import Spool

OpenSender = Callable[[Callable[[str], None]], AbstractAsyncContextManager[EventSender]]
"""Makes the sender; its argument hears of trouble."""


@dataclass(frozen=True)
class Job:
    """What to replay, and how. ``directory`` holds resume points and temporary files."""

    log: Path
    loaded: LoadedMapping
    url: str
    pace: Pace
    batch: int
    shuffle_ms: int
    seed: int
    restart: bool
    directory: Path
    rejects: Path


@dataclass(frozen=True)
class Summary:
    """What became of a replay. ``before`` events had been delivered by an earlier run."""

    tally: Tally
    progress: Progress
    before: int
    refused: int
    rejects: int
    seconds: float

    @property
    def sent(self) -> int:
        return self.progress.delivered - self.before


async def replay(job: Job, display: Display, open_sender: OpenSender) -> Summary:
    """Read, map, sort and deliver. Raises `ReplayError` or `DeliveryError`."""
    began = time.monotonic()
    resume = ResumePoint(job.directory, _key(job))
    with RejectFile(job.rejects) as rejects, _spool(job) as spool, display:
        plan = _fill(job, spool, rejects, display)
        total = spool.count()
        start = _start(job, resume, total)
        display.phase("sending", "events", total, start.delivered)
        async with open_sender(display.trouble) as sender:
            delivery = Delivery(sender, resume, rejects, display.advance_to, clock=time.monotonic)
            work = batches(spool.events(start.delivered), job.batch, job.pace)
            progress = await delivery.run(work, start)
    return Summary(
        tally=plan.tally,
        progress=progress,
        before=start.delivered,
        refused=delivery.refused,
        rejects=rejects.count,
        seconds=time.monotonic() - began,
    )


def dry_run(job: Job, display: Display, out: BinaryIO | None) -> Tally:
    """Read, map and sort; write the events as JSON Lines to ``out``, in the order they would be
    sent. Raises `ReplayError`."""
    with RejectFile(job.rejects) as rejects, _spool(job) as spool, display:
        plan = _fill(job, spool, rejects, display)
        if out is not None:
            for _, event in spool.events(0):
                out.write(event.body + b"\n")
    return plan.tally


def _fill(job: Job, spool: Spool, rejects: RejectFile, display: Display) -> Plan:
    plan = Plan(job.loaded.mapping, job.log, rejects, job.shuffle_ms, Random(job.seed))  # noqa: S311 - a shuffle that can be repeated, no secret
    now = ""

    def tell(phase: Literal["reading", "mapping"], done: int) -> None:
        nonlocal now
        if phase == "mapping" and now != phase:
            display.phase(phase, "rows", plan.tally.rows)
        now = phase
        display.advance_to(done)

    display.phase("reading", "bytes", job.log.stat().st_size)
    plan.fill(spool, tell)
    return plan


def _spool(job: Job) -> Spool:
    mapping = job.loaded.mapping
    name = f"{_key(job).digest}.spool"
    return Spool(job.directory / name, mapping.case_columns, mapping.order)


def _key(job: Job) -> ReplayKey:
    return ReplayKey(
        file_digest=digest_of(job.log),
        mapping_digest=job.loaded.digest,
        zone=job.loaded.mapping.zone,
        url=job.url,
        shuffle_ms=job.shuffle_ms,
        seed=job.seed,
    )


def _start(job: Job, resume: ResumePoint, total: int) -> Progress:
    """An unfinished replay goes on; a finished one starts again."""
    known = None if job.restart else resume.load()
    if known is None or known.finished or known.total != total:
        return Progress(0, total)
    return known
