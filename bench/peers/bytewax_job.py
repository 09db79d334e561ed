"""Bytewax: its event-time windows, with repetitions left out. It keeps no durable state here: its
recovery store would make it at-least-once at best, and slower.

Best settings found: large batches, the decoder that we use, a clock that follows event time alone
(with the default one it wakes up for every window of the past), ids of *common* kept in the window
that they fall in (a repetition carries the same time), those of *rolling* in a step of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import bytewax.operators as op
import bytewax.operators.windowing as win
import msgspec
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import KeyedStream
from bytewax.testing import cluster_main

from bench.ours import report
from bench.ours.pane_engine import Event
from bench.ours.settings import VariantSettings, from_arguments
from shared.runtime.collector import calm_collector

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
MINUTE_MS: Final = 60_000

_decode = msgspec.json.Decoder(Event).decode


class Cell:
    """Count, sum, least, greatest, good, and (in *common*) the ids counted."""

    __slots__ = ("good", "high", "ids", "low", "n", "total")

    def __init__(self) -> None:
        self.n = self.total = self.good = 0
        self.low, self.high = 2**62, -(2**62)
        self.ids: set[str] = set()

    def plus(self, event: Event) -> Cell:
        self.n += 1
        self.total += event.value
        self.low = min(self.low, event.value)
        self.high = max(self.high, event.value)
        self.good += event.good
        return self

    def plus_once(self, event: Event) -> Cell:
        if event.id not in self.ids:
            self.ids.add(event.id)
            self.plus(event)
        return self

    def merged(self, other: Cell) -> Cell:
        raise RuntimeError(f"windows of a fixed length never merge: {other}")


class _Reader:
    """Decodes batches, and says how far it is."""

    def __init__(self) -> None:
        self.events = 0
        self._told = 0

    def keyed(self, messages: Iterable[Any]) -> list[tuple[str, Event]]:
        events = [_decode(message.value) for message in messages]
        self.events += len(events)
        if self.events - self._told >= 5_000:
            self._told = self.events
            report.progress(self.events)
        return [(f"{e.employee}|{e.channel}|{e.indicator}", e) for e in events]


def _distinct(
    seen: dict[int, set[str]] | None, event: Event
) -> tuple[dict[int, set[str]], list[Event]]:
    """Per key: the ids of the minutes that a repetition may still come for."""
    seen = {} if seen is None else seen
    minute = event.ts // MINUTE_MS
    ids = seen.setdefault(minute, set())
    if event.id in ids:
        return seen, []
    ids.add(event.id)
    if len(seen) > 6:
        del seen[min(seen)]
    return seen, [event]


def flow_of(settings: VariantSettings, reader: _Reader) -> Dataflow:
    """The dataflow of the job."""
    flow = Dataflow("bench")
    source = KafkaSource(
        [settings.bootstrap],
        [settings.source],
        tail=False,
        batch_size=5_000,
        add_config={"fetch.queue.backoff.ms": "5"},
    )
    events: KeyedStream[Event] = op.flat_map_batch(
        "decode", op.input("read", flow, source), reader.keyed
    )
    windows = _hours(events, settings) if settings.job == "rolling" else _minutes(events, settings)
    results = op.map("encode", windows, _result)
    add = {"linger.ms": "50", "compression.type": "lz4"}
    op.output("write", results, KafkaSink([settings.bootstrap], settings.sink, add))
    return flow


def _clock(settings: VariantSettings) -> win.EventClock[Event, Any]:
    now = datetime.now(UTC)
    return win.EventClock(
        lambda event: datetime.fromtimestamp(event.ts / 1000, UTC),
        wait_for_system_duration=timedelta(milliseconds=settings.lateness_ms),
        now_getter=lambda: now,
        to_system_utc=lambda _: None,
    )


def _minutes(events: KeyedStream[Event], settings: VariantSettings) -> Any:
    windower = win.TumblingWindower(align_to=EPOCH, length=MINUTE)
    clock = _clock(settings)
    return win.fold_window(
        "window", events, clock, windower, Cell, Cell.plus_once, Cell.merged, ordered=False
    ).down


def _hours(events: KeyedStream[Event], settings: VariantSettings) -> Any:
    unique = op.stateful_flat_map("distinct", events, _distinct)
    windower = win.SlidingWindower(align_to=EPOCH, length=HOUR, offset=MINUTE)
    clock = _clock(settings)
    return win.fold_window(
        "window", unique, clock, windower, Cell, Cell.plus, Cell.merged, ordered=False
    ).down


def _result(item: tuple[str, tuple[int, Cell]]) -> KafkaSinkMessage[bytes, bytes]:
    """Window ids count from the alignment, by length or by offset: by minutes either way."""
    key, (window, cell) = item
    value = {
        "k": key,
        "m": window * MINUTE_MS,
        "n": cell.n,
        "total": cell.total,
        "low": cell.low,
        "high": cell.high,
        "good": cell.good,
    }
    return KafkaSinkMessage(key.encode(), json.dumps(value).encode())


if __name__ == "__main__":
    calm_collector()
    reader = _Reader()
    cluster_main(flow_of(from_arguments(), reader), [], 0)
    report.done(reader.events)
