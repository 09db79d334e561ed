SELECT extract(epoch FROM min(o.next_attempt_at) - now())::double precision
FROM outbox AS o
JOIN endpoints AS e ON e.id = o.endpoint_id AND e.deleted_at IS NULL AND e.disabled_at IS NULL
WHERE o.state = 'pending'
  AND NOT EXISTS (
      SELECT FROM outbox AS earlier
      WHERE earlier.endpoint_id = o.endpoint_id AND earlier.alert_id = o.alert_id
        AND earlier.state = 'pending' AND earlier.id < o.id
  )
