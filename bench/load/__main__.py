"""The load generator, a process of its own: `python -m bench.load --url … --rate … --seconds …`.

Four senders, each with a connection and tickets of its own, take turns to send a batch of
CloudEvents to ingest. Every five seconds it writes `progress N`; what it sent and when goes to
`--out` as JSON at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import Final

import uvloop

from bench.load.facts import Fact, facts
from bench.load.pacing import Pace
from bench.load.probes import Probe, Sent, schedule
from deploy.events_client.backoff import Backoff
from deploy.events_client.cloudevent import encode_event
from deploy.events_client.sender import EventSender, make_client

LANES: Final = 4
INTERVAL_S: Final = 0.05
PROGRESS_S: Final = 5.0
PATIENCE: Final = Backoff(first_s=0.1, longest_s=1.0, give_up_after_s=60.0)


@dataclass
class Done:
    """``late_ms`` is how long after its due time each batch was under way, ``answer_ms`` how long
    after that ingest had taken it."""

    events: int = 0
    refused: int = 0
    troubles: int = 0
    probes: list[Sent] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)


class Lane:
    """One sender. It sends in order, one batch at a time, as a CRM system does."""

    def __init__(self, number: int, options: argparse.Namespace, began: float, done: Done) -> None:
        self._number = number
        self._pace = Pace(options.rate, LANES, INTERVAL_S)
        self._batches = int(options.seconds / INTERVAL_S) // LANES
        self._began = began
        self._done = done
        self._facts = facts(f"{options.label}-{number}", number)
        own = (p for p in schedule(options.label, options.seconds) if _lane(p) == number)
        self._probes = deque(own)
        key = Path(options.key_file).read_text(encoding="utf-8").strip()
        self._client = make_client(options.url, key)
        self._sender = EventSender(
            self._client, PATIENCE, SystemRandom(), on_trouble=self._on_trouble
        )
        self._events = 0

    async def run(self) -> None:
        """All batches. Raises `DeliveryError`."""
        async with self._client:
            for number in range(self._batches):
                due = self._began + self._pace.due_s(self._number, number)
                await asyncio.sleep(max(0.0, due - time.time()))
                await self._send(due, self._pace.size(self._number, number))

    async def _send(self, due: float, size: int) -> None:
        probes = self._due_probes(due - self._began)
        bodies = [self._probe_event(probe) for probe in probes]
        rest = size - len(bodies)
        bodies += [self._event(next(self._facts), due * 1000) for _ in range(rest)]
        began = time.time()
        refusals = await self._sender.send(bodies)
        accepted = time.time()
        done = self._done
        done.events += len(bodies)
        done.refused += len(refusals)
        done.late_ms.append((began - due) * 1000)
        done.answer_ms.append((accepted - began) * 1000)
        done.probes += [
            Sent(probe.department, (self._began + probe.at_s) * 1000, accepted * 1000)
            for probe in probes
            if probe.opens
        ]

    def _due_probes(self, until_s: float) -> list[Probe]:
        due = []
        while self._probes and self._probes[0].at_s <= until_s:
            due.append(self._probes.popleft())
        return due

    def _probe_event(self, probe: Probe) -> bytes:
        data: dict[str, object] = {"department": probe.department} if probe.opens else {}
        kind = "ticket.opened" if probe.opens else "ticket.resolved"
        return self._event(Fact(kind, probe.ticket, data), (self._began + probe.at_s) * 1000)

    def _event(self, fact: Fact, at_ms: float) -> bytes:
        self._events += 1
        return encode_event(
            source="bench",
            id=f"{fact.ticket}-{self._events}",
            type=fact.type,
            subject=fact.ticket,
            at_ms=int(at_ms),
            data=fact.data,
        )

    def _on_trouble(self, reason: str) -> None:
        if reason:
            self._done.troubles += 1
            print(f"load: {reason}", file=sys.stderr, flush=True)


def _lane(probe: Probe) -> int:
    return int(probe.department.rpartition("-")[2]) % LANES


async def _run(options: argparse.Namespace) -> Done:
    done = Done()
    began = time.time() + 0.2
    lanes = [Lane(number, options, began, done) for number in range(LANES)]
    async with asyncio.TaskGroup() as tasks:
        teller = tasks.create_task(_tell(done))
        await asyncio.gather(*(lane.run() for lane in lanes))
        teller.cancel()
    return done


async def _tell(done: Done) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        print(f"progress {done.events}", flush=True)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--url", required=True, help="ingest")
    parser.add_argument("--key-file", required=True)
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--label", required=True, help="what tickets are named after")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done = uvloop.run(_run(options))
    options.out.write_text(json.dumps(asdict(done)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
