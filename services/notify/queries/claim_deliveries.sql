-- Up to $2 due deliveries for each endpoint, less those it already has under way ($3, $4), in the
-- order of an alert's transitions. A claim is a lease of $1 seconds and counts as an attempt.
WITH claimed AS (
    SELECT due.id
    FROM endpoints AS e
    LEFT JOIN unnest($3::text[], $4::int[]) AS busy (endpoint_id, count) ON busy.endpoint_id = e.id
    CROSS JOIN LATERAL (
        SELECT o.id FROM outbox AS o
        WHERE o.endpoint_id = e.id AND o.state = 'pending' AND o.next_attempt_at <= now()
          AND NOT EXISTS (
              SELECT FROM outbox AS earlier
              WHERE earlier.endpoint_id = o.endpoint_id AND earlier.alert_id = o.alert_id
                AND earlier.state = 'pending' AND earlier.id < o.id
          )
        ORDER BY o.next_attempt_at
        LIMIT greatest($2::int - coalesce(busy.count, 0), 0)
        FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE e.deleted_at IS NULL AND e.disabled_at IS NULL
)
UPDATE outbox AS o
SET attempts = o.attempts + 1, next_attempt_at = now() + make_interval(secs => $1)
FROM claimed, endpoints AS e, alerts AS a
WHERE o.id = claimed.id AND e.id = o.endpoint_id AND a.id = o.alert_id
RETURNING o.id, o.message_id, o.alert_id, o.transition, o.body, o.attempts,
          e.id AS endpoint_id, e.url, e.salt, a.received_ms, a.published_ms
