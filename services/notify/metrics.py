"""What notify tells about itself."""

from prometheus_client import Counter, Gauge, Histogram

_LATENCY_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)

TRANSITIONS = Counter(
    "bellwether_notify_transitions_total", "Alerts opened, acknowledged, resolved", ["transition"]
)
REPEATED = Counter(
    "bellwether_notify_repeated_breaches_total",
    "Records of breaches that changed no alert: told before, or the end of an unknown breach",
)
REFUSED = Counter(
    "bellwether_notify_refused_breaches_total",
    "Records of breaches that can be no alert, kept in refused_breaches",
)
ATTEMPTS = Counter(
    "bellwether_notify_delivery_attempts_total",
    "Attempts to deliver a webhook, by what followed: delivered, retry, dead or gone",
    ["result"],
)
RECEIVED_TO_ATTEMPT = Histogram(
    "bellwether_notify_received_to_first_attempt_seconds",
    "From the reception of the event that led to a breach to the first attempt to deliver it",
    buckets=_LATENCY_BUCKETS,
)
BREACH_TO_ATTEMPT = Histogram(
    "bellwether_notify_breach_to_first_attempt_seconds",
    "From the breach's record in Kafka to the first attempt to deliver it",
    buckets=_LATENCY_BUCKETS,
)
ATTEMPT = Histogram(
    "bellwether_notify_delivery_attempt_seconds",
    "Duration of an attempt to deliver",
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60),
)
PENDING = Gauge("bellwether_notify_outbox_pending", "Deliveries not finished yet")
LAG = Gauge("bellwether_notify_lag_records", "Breaches not yet read")
