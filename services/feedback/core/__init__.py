"""The rules of feedback, without Postgres, HTTP, clock or environment."""
