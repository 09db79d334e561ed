"""Metrics of the windows and api roles."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PANE_RECORDS = Counter(
    "bellwether_windows_pane_records_total", "Records of panes applied.", ["partition"]
)
REFUSED_RECORDS = Counter(
    "bellwether_windows_refused_records_total", "Records of panes that could not be read."
)
CELLS = Gauge("bellwether_windows_cells", "Cells kept in memory.", ["partition"])
SCOPES = Gauge("bellwether_windows_scopes", "Scopes with figures.", ["partition"])
STREAM_TIME = Gauge(
    "bellwether_windows_stream_time_seconds", "Instant at which windows end.", ["partition"]
)
ACTIVE_BREACHES = Gauge(
    "bellwether_windows_active_breaches", "Targets that are in breach.", ["partition"]
)
SCORES_SENT = Counter("bellwether_windows_scores_total", "Score records sent.")
BREACHES_SENT = Counter(
    "bellwether_windows_breaches_total", "Transitions of breaches sent.", ["transition"]
)
SEND_FAILURES = Counter("bellwether_windows_send_failures_total", "Sends that had to be repeated.")
TURN_SECONDS = Histogram(
    "bellwether_windows_turn_seconds",
    "Time to apply what came, to move the windows and to judge, sending not included.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
EVENT_TO_BREACH = Histogram(
    "bellwether_event_to_breach_seconds",
    "From the reception of the event that caused a breach to its record being stored.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10),
)
RESTORE_SECONDS = Gauge(
    "bellwether_windows_restore_seconds", "Time the last restore took.", ["partition"]
)
API_RECORDS = Gauge("bellwether_api_score_records", "Score records held in memory.")
API_APPLIED = Counter("bellwether_api_applied_records_total", "Records read.", ["topic"])
