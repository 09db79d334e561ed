INSERT INTO delivery_attempts (outbox_id, attempt, at, duration_ms, status, error)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
