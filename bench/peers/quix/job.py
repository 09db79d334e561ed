"""Quix Streams: dedupe in its keyed state (RocksDB), then its windows; exactly once.

It runs in an environment of its own and imports nothing of ours.
"""

import json
import logging
import sys
from typing import Any

from quixstreams import Application
from quixstreams.dataframe.windows import Count, Max, Min, Sum

from shared.runtime.collector import calm_collector


class Progress:
    """Counts processed messages, and stops the application after the last."""

    def __init__(self, events: int) -> None:
        self.events = 0
        self.wanted = events
        self.app: Application | None = None

    def processed(self, topic: str, partition: int, offset: int) -> None:
        self.events += 1
        if self.events % 1_000 == 0:
            print("progress", self.events, flush=True)
        if self.events == self.wanted and self.app is not None:
            self.app.stop()


def unseen(event: dict[str, Any], state: Any) -> bool:
    """Let an id pass once for its key."""
    if state.exists(event["id"]):
        return False
    state.set(event["id"], 1)
    return True


def result(window: dict[str, Any], key: bytes, timestamp: int, headers: object) -> dict[str, Any]:
    """What is written of a window."""
    start, _ = window.pop("start"), window.pop("end")
    return {"k": key.decode(), "m": start, **window}


def main() -> None:
    calm_collector()
    settings = json.loads(sys.argv[1])
    progress = Progress(settings["events"])
    app = Application(
        broker_address=settings["bootstrap"],
        consumer_group=settings["name"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=0.5,
        state_dir=settings["directory"],
        loglevel=logging.WARNING,
        on_message_processed=progress.processed,
        consumer_extra_config={
            "fetch.queue.backoff.ms": 5,
            "queued.min.messages": 100_000,
        },
        producer_extra_config={
            "linger.ms": 50,
            "compression.type": "lz4",
            "retry.backoff.ms": 5,
        },
    )
    progress.app = app
    grace_ms = settings["lateness_ms"]
    frame = app.dataframe(app.topic(settings["source"], value_deserializer="json"))
    frame = frame.filter(unseen, stateful=True)
    if settings["job"] == "rolling":
        windows = frame.hopping_window(3_600_000, 60_000, grace_ms=grace_ms)
    else:
        windows = frame.tumbling_window(60_000, grace_ms=grace_ms)
    frame = windows.agg(
        n=Count(), total=Sum("value"), low=Min("value"), high=Max("value"), good=Sum("good")
    ).final(closing_strategy="partition")
    frame = frame.apply(result, metadata=True)
    frame.to_topic(app.topic(settings["sink"], value_serializer="json", key_serializer="bytes"))
    app.run()
    print("done", progress.events, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
