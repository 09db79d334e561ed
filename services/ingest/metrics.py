"""All metrics of ingest."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter(
    "bellwether_ingest_events_total",
    "Events by what became of them: accepted, rejected (not valid), retry (not delivered)",
    ["status", "type"],
)
BATCH_SIZE = Histogram(
    "bellwether_ingest_request_events",
    "Events in one request",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000),
)
DELIVERY = Histogram(
    "bellwether_ingest_delivery_seconds",
    "Time from handing events to the producer until all in-sync replicas have them",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BROKER_CONNECTED = Gauge(
    "bellwether_ingest_broker_connected", "1 while there is a producer that delivers, else 0"
)
RECONNECTS = Counter(
    "bellwether_ingest_producer_replacements_total",
    "Producers given up because a delivery failed or did not end in time",
)
KEYS = Gauge("bellwether_ingest_api_keys", "API keys in force")
KEYS_AGE = Gauge(
    "bellwether_ingest_api_keys_age_seconds", "Time since the API keys were read from Postgres"
)
REFUSED_KEYS = Counter(
    "bellwether_ingest_unauthorised_requests_total", "Requests without a key in force"
)
