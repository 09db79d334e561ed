"""Metrics of the measuring role."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter(
    "bellwether_measure_events_total", "Records read from the input topics.", ["partition"]
)
DUPLICATES = Counter(
    "bellwether_measure_duplicates_total", "Events recognised as already counted.", ["partition"]
)
DEAD_LETTERS = Counter(
    "bellwether_measure_dead_letters_total",
    "Records that can never be processed, by reason.",
    ["reason"],
)
ANOMALIES = Counter(
    "bellwether_measure_anomalies_total",
    "Contradictions in a ticket's history as it stood at a flush; later events may heal them.",
    ["kind"],
)
MEASUREMENTS = Counter(
    "bellwether_measure_measurements_total", "Measurements stated or taken back.", ["partition"]
)
FLUSH_SECONDS = Histogram(
    "bellwether_measure_flush_seconds",
    "Time of one flush, the transaction included.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
RESTORE_SECONDS = Gauge(
    "bellwether_measure_restore_seconds", "Time of the last restore of a partition.", ["partition"]
)
TICKETS = Gauge("bellwether_measure_tickets", "Tickets remembered.", ["partition"])
SCRATCH = Gauge(
    "bellwether_measure_scratch_bytes",
    "Size of the file of tickets and panes that nothing happened to for a while.",
    ["partition"],
)
WATERMARK = Gauge(
    "bellwether_measure_watermark_seconds", "Greatest event time seen, Unix time.", ["partition"]
)
STREAM_TIME = Gauge(
    "bellwether_measure_stream_time_seconds",
    "How far time has come: deadlines before it are settled, Unix time.",
    ["partition"],
)
DEADLINES = Counter(
    "bellwether_measure_deadlines_total",
    "Tickets settled by a timer: a deadline passed or came near, and no event said so.",
    ["partition"],
)
LAG = Gauge("bellwether_measure_lag_records", "Records waiting in the input topics.", ["partition"])
FLUSH_FAILURES = Counter(
    "bellwether_measure_flush_failures_total",
    "Flushes that could not be stored; the partition was restored and read again.",
)
_OF_ITS_OWNER: Final = (RESTORE_SECONDS, TICKETS, SCRATCH, WATERMARK, STREAM_TIME, LAG)


def forget(partition: int) -> None:
    """The partition was let go: what was so last would pass for what is so."""
    for gauge in _OF_ITS_OWNER:
        gauge.remove(partition)
