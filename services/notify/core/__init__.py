"""The rules of notify, without Kafka, Postgres, HTTP, clock or environment."""
