-- The next delivery: of each endpoint the first by time that waits for no earlier one of its alert.
SELECT extract(epoch FROM min(next.at) - now())::double precision
FROM endpoints AS e
CROSS JOIN LATERAL (
    SELECT o.next_attempt_at AS at FROM outbox AS o
    WHERE o.endpoint_id = e.id AND o.state = 'pending'
      AND NOT EXISTS (
          SELECT FROM outbox AS earlier
          WHERE earlier.endpoint_id = o.endpoint_id AND earlier.alert_id = o.alert_id
            AND earlier.state = 'pending' AND earlier.id < o.id
      )
    ORDER BY o.next_attempt_at
    LIMIT 1
) AS next
WHERE e.deleted_at IS NULL AND e.disabled_at IS NULL
