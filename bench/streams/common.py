"""The stream of the jobs *common* and *rolling*: flat JSON events of about 192 bytes.

200 employees x 4 channels x 3 indicators; 20,000 events to the minute of event time, every fifth
up to 20 s late; one event in a hundred comes twice. Every engine reads the same bytes: a shorter
topic is a prefix of a longer one. A closing event to each partition, hours later, lets engines
that wait for time to pass finish their last windows.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

MINUTE_MS: Final = 60_000
PARTITIONS: Final = 6
EVENTS_PER_MINUTE: Final = 20_000
LATENESS_MS: Final = 5 * MINUTE_MS
"""What every engine is told to wait for; nothing in the stream is as late."""

CLOSING_MS: Final = 4 * 60 * MINUTE_MS
CLOSING: Final = "~closing"
"""The employee of closing events, who counts for nothing."""

_JITTER_MS: Final = 20_000
_REPEATED_AFTER: Final = 2_050
_CHANNELS: Final = ("phone", "chat", "mail", "store")
_INDICATORS: Final = ("first_response_time", "resolution_time", "handling_time")
_GROUPS: Final = [
    (f"employee-{e:04d}", channel, indicator)
    for e in range(200)
    for channel in _CHANNELS
    for indicator in _INDICATORS
]


class Event(NamedTuple):
    """One event: ``key`` is employee|channel|indicator, times in ms, ``value`` in ms."""

    id: str
    time_ms: int
    employee: str
    channel: str
    indicator: str
    value: int
    good: int

    @property
    def key(self) -> str:
        return f"{self.employee}|{self.channel}|{self.indicator}"


def events(count: int, start_ms: int, seed: int = 1) -> Iterator[Event]:
    """``count`` events in order of arrival, repetitions included."""
    rng = random.Random(seed)  # noqa: S311 - the figures must be the same in every run
    waiting: list[tuple[int, Event]] = []
    for place in range(count):
        if waiting and waiting[0][0] <= place:
            yield waiting.pop(0)[1]
            continue
        event = _draw(rng, place, start_ms)
        if place % 100 == 99:
            waiting.append((place + _REPEATED_AFTER, event))
        yield event


def closing(partition: int, count: int, start_ms: int) -> Event:
    """An event long after the last of ``count`` events."""
    end_ms = start_ms + count * MINUTE_MS // EVENTS_PER_MINUTE + CLOSING_MS
    return Event(f"closing-{partition}", end_ms, CLOSING, str(partition), "none", 0, 0)


def encode(event: Event) -> bytes:
    """Its JSON, written by hand: a generator should not be what one waits for."""
    return (
        f'{{"id":"{event.id}","ts":{event.time_ms},"source":"crm-a","department":"support",'
        f'"employee":"{event.employee}","channel":"{event.channel}",'
        f'"indicator":"{event.indicator}","value":{event.value},"good":{event.good}}}'
    ).encode()


def partition_of(key: str, partitions: int) -> int:
    """Events of one key share a partition, so no engine has to move them."""
    return zlib.crc32(key.encode()) % partitions


def _draw(rng: random.Random, place: int, start_ms: int) -> Event:
    random_number = rng.random()
    time_ms = start_ms + place * MINUTE_MS // EVENTS_PER_MINUTE
    if place % 5 == 0:
        time_ms = max(start_ms, time_ms - int(random_number * _JITTER_MS))
    employee, channel, indicator = _GROUPS[int(rng.random() * len(_GROUPS))]
    value = 1_000 + int(random_number * random_number * 14_400_000)
    return Event(
        f"evt-{rng.getrandbits(64):016x}",
        time_ms,
        employee,
        channel,
        indicator,
        value,
        int(value <= 3_600_000),
    )
