INSERT INTO alert_changes (sequence, alert_id, transition, at, actor, body)
VALUES ($1, $2, $3, $4, $5, $6)
