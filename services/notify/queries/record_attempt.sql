-- Attempt $2 of delivery $1 of alert $7; the delivery is then in state $8, and while that is
-- 'pending', due again in $9 seconds. Tells whether more is due for its endpoint.
WITH attempt AS (
    INSERT INTO delivery_attempts (outbox_id, attempt, at, duration_ms, status, error)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING
),
first_attempt AS (
    UPDATE alerts SET first_attempt_at = $3 WHERE id = $7 AND first_attempt_at IS NULL
)
UPDATE outbox AS o
SET state = $8,
    next_attempt_at = now() + make_interval(secs => $9),
    finished_at = CASE WHEN $8 <> 'pending' THEN $3 END,
    last_status = $5,
    last_error = $6
WHERE id = $1 AND attempts = $2 AND state = 'pending'
RETURNING EXISTS (
    SELECT FROM outbox AS other
    WHERE other.endpoint_id = o.endpoint_id AND other.id <> o.id AND other.state = 'pending'
      AND other.next_attempt_at <= now()
)
