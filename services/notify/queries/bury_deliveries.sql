UPDATE outbox SET state = 'dead', finished_at = $2, last_error = $3
WHERE endpoint_id = $1 AND state = 'pending'
