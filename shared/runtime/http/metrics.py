"""Metrics of every HTTP service; `route` is the template, never the path that was asked for."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "bellwether_http_requests_total",
    "HTTP requests answered",
    ["service", "method", "route", "status"],
)
DURATION = Histogram(
    "bellwether_http_request_duration_seconds",
    "Time from the first byte of a request to the last byte of its answer",
    ["service", "method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_PROGRESS = Gauge(
    "bellwether_http_requests_in_progress", "HTTP requests being answered now", ["service"]
)
STREAM_CLIENTS = Gauge(
    "bellwether_sse_clients", "Clients that follow a stream of server-sent events", ["stream"]
)
STREAM_DROPPED = Counter(
    "bellwether_sse_dropped_clients_total",
    "Clients disconnected because they read more slowly than events came",
    ["stream"],
)
