UPDATE outbox
SET next_attempt_at = now() + make_interval(secs => $3), last_status = $4, last_error = $5
WHERE id = $1 AND attempts = $2 AND state = 'pending'
