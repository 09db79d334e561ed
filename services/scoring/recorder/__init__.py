"""recorder: copies the topic `measurements` to Postgres, each row once."""
