"""Sends events in batches, one request at a time, so that every ticket's order is kept.

DeliveryError
├── KeyRefused    ingest will not take anything from this client, however often it asks
└── Unreachable   ingest did not take the events in all the time it was given
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random
from typing import Final

import httpx

from deploy.events_client.answers import (
    Answer,
    Busy,
    Denied,
    Refusal,
    Stored,
    TooLarge,
    read_answer,
)
from deploy.events_client.backoff import Backoff

MAX_BODY_BYTES: Final = 960 * 1024
"""Under ingest's limit of 1 MiB."""
MEDIA_TYPE: Final = "application/cloudevents-batch+json"
TIMEOUT: Final = httpx.Timeout(connect=5.0, read=60.0, write=30.0, pool=5.0)


class DeliveryError(Exception):
    """Events could not be delivered; the message says why."""


class KeyRefused(DeliveryError):
    """Trying again cannot help."""


class Unreachable(DeliveryError):
    """Tried until the limit of the back-off."""


def make_client(url: str, api_key: str) -> httpx.AsyncClient:
    """A client for ingest at ``url``, past any proxy of the environment."""
    return httpx.AsyncClient(
        base_url=url,
        timeout=TIMEOUT,
        trust_env=False,
        headers={"Authorization": f"Bearer {api_key}", "Content-Type": MEDIA_TYPE},
        limits=httpx.Limits(max_connections=4),
    )


class EventSender:
    """Delivers batches through ``client``. ``on_trouble`` hears of every failed try, and hears
    an empty text when the trouble is over."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        backoff: Backoff,
        random: Random,
        *,
        on_trouble: Callable[[str], None] = lambda reason: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._backoff = backoff
        self._random = random
        self._on_trouble = on_trouble
        self._sleep = sleep
        self._clock = clock
        self._wall_clock = wall_clock

    async def send(self, events: Sequence[bytes]) -> list[Refusal]:
        """Deliver the events in order; returns those that ingest refuses for good.

        Returns only when every other event is stored. An event may arrive twice after a broken
        connection; its id is the same then. Raises `KeyRefused` or `Unreachable`.
        """
        refusals: list[Refusal] = []
        for start, end in _parts(events, MAX_BODY_BYTES):
            found = await self._deliver(events[start:end])
            refusals += [Refusal(start + refusal.index, refusal.reason) for refusal in found]
        return refusals

    async def _deliver(self, events: Sequence[bytes]) -> list[Refusal]:
        places = list(range(len(events)))
        refusals: list[Refusal] = []
        failures, failing_since = 0, 0.0
        while places:
            answer = await self._post([events[place] for place in places])
            if isinstance(answer, Denied):
                raise KeyRefused(answer.reason)
            if isinstance(answer, TooLarge):
                return refusals + await self._halves(events, places)
            if isinstance(answer, Stored):
                refusals += [Refusal(places[one.index], one.reason) for one in answer.refusals]
                left = [places[index] for index in answer.retry]
                failures = failures if len(left) == len(places) else 0
                places = left
            if places:
                failing_since = failing_since if failures else self._clock()
                failures += 1
                await self._wait(answer, failures, self._clock() - failing_since)
        self._on_trouble("")
        return refusals

    async def _halves(self, events: Sequence[bytes], places: Sequence[int]) -> list[Refusal]:
        if len(places) == 1:
            return [Refusal(places[0], "the event is over ingest's size limit")]
        middle = len(places) // 2
        refusals: list[Refusal] = []
        for half in (places[:middle], places[middle:]):
            found = await self._deliver([events[place] for place in half])
            refusals += [Refusal(half[refusal.index], refusal.reason) for refusal in found]
        return refusals

    async def _wait(self, answer: Stored | Busy, failures: int, failing_for_s: float) -> None:
        reason = answer.reason if isinstance(answer, Busy) else "ingest asks to send events again"
        delay = self._backoff.delay(failures, failing_for_s, answer.wait_s, self._random)
        if delay is None:
            raise Unreachable(f"gave up after {failing_for_s:.0f} s: {reason}")
        self._on_trouble(reason)
        await self._sleep(delay)

    async def _post(self, events: Sequence[bytes]) -> Answer:
        try:
            response = await self._client.post(
                "/v1/events", content=b"[" + b",".join(events) + b"]"
            )
        except httpx.TransportError as error:
            return Busy(f"ingest is not reachable ({type(error).__name__})")
        return read_answer(
            response.status_code,
            response.headers,
            response.content,
            len(events),
            self._wall_clock(),
        )


def _parts(events: Sequence[bytes], limit: int) -> Iterator[tuple[int, int]]:
    """Split into runs whose body stays within ``limit`` bytes; a run has at least one event."""
    start, size = 0, 2
    for index, event in enumerate(events):
        if index > start and size + len(event) + 1 > limit:
            yield start, index
            start, size = index, 2
        size += len(event) + 1
    if start < len(events):
        yield start, len(events)
