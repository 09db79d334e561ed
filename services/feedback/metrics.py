"""What feedback tells about itself."""

from prometheus_client import Counter, Gauge

PUBLISHED = Counter(
    "bellwether_feedback_results_published_total", "Results stored, new or as a new revision"
)
UNCHANGED = Counter(
    "bellwether_feedback_results_unchanged_total", "Results that were published before as they are"
)
ACKNOWLEDGED = Counter(
    "bellwether_feedback_acknowledgements_total", "Results acknowledged by their employee"
)
COMMENTS = Counter("bellwether_feedback_comments_total", "Comments written on results")
SCORING_AWAY = Counter(
    "bellwether_feedback_scoring_away_total", "Requests to scoring that it did not answer"
)
LAST_AUTO_RUN = Gauge(
    "bellwether_feedback_last_auto_publication_timestamp_seconds",
    "When the closed periods were last looked through without an error",
)
