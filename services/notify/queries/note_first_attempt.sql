UPDATE alerts SET first_attempt_at = $2 WHERE id = $1 AND first_attempt_at IS NULL
