SELECT o.message_id, o.transition, o.endpoint_id, o.state, o.attempts, o.created_at,
       CASE WHEN o.state = 'pending' THEN o.next_attempt_at END AS next_attempt_at,
       o.finished_at, o.last_status, o.last_error
FROM outbox AS o
WHERE o.alert_id = $1
ORDER BY o.id
