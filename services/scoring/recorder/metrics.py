"""What the recorder tells about itself."""

from prometheus_client import Counter, Gauge, Histogram

ROWS = Counter("bellwether_recorder_rows_total", "Measurements stored in Postgres")
REFUSED = Counter(
    "bellwether_recorder_refused_total",
    "Measurements or records that Postgres can never take, kept in refused_measurements",
)
DUPLICATES = Counter(
    "bellwether_recorder_duplicate_batches_total",
    "Batches that were stored before and came again under another offset",
)
LOST_RECORDS = Counter(
    "bellwether_recorder_lost_records_total",
    "Offsets that the broker had deleted before they were copied",
)
MOVED = Counter(
    "bellwether_recorder_position_moved_total",
    "Transactions given up because another recorder had stored further",
)
RETRIES = Counter("bellwether_recorder_retries_total", "Attempts repeated: Postgres was away")
LAG = Gauge("bellwether_recorder_lag_records", "Offsets not yet copied, over all own partitions")
TRANSACTION = Histogram(
    "bellwether_recorder_transaction_seconds",
    "Time to store one chunk of measurements",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
