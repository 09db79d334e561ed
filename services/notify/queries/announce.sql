-- Gives a transition its place in the stream and wakes every replica when it is committed.
WITH position AS (
    UPDATE stream_position SET value = value + 1 RETURNING value
),
change AS (
    INSERT INTO alert_changes (sequence, alert_id, transition, at, actor, body)
    SELECT value, $1, $2, $3, $4, $5 FROM position
)
SELECT pg_notify('notify_alerts', '')
