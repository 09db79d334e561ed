UPDATE outbox
SET state = $3, finished_at = $4, last_status = $5, last_error = $6
WHERE id = $1 AND attempts = $2 AND state = 'pending'
