"""What is decided about keys and events, without Kafka, Postgres, HTTP or a clock."""
