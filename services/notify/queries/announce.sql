-- Gives a transition its place in the stream, puts the messages $6 to the endpoints $7 into the
-- outbox, and wakes the other replicas when it is committed.
WITH position AS (
    UPDATE stream_position SET value = value + 1 RETURNING value
),
change AS (
    INSERT INTO alert_changes (sequence, alert_id, transition, at, actor, body)
    SELECT value, $1, $2, $3, $4, $5 FROM position
),
posted AS (
    INSERT INTO outbox (message_id, alert_id, transition, endpoint_id, body)
    SELECT message_id, $1, $2, endpoint_id, $8
    FROM unnest($6::text[], $7::text[]) AS told (message_id, endpoint_id)
)
SELECT pg_notify('notify_alerts', $9)
