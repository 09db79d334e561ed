INSERT INTO outbox (message_id, alert_id, transition, endpoint_id, body)
VALUES ($1, $2, $3, $4, $5)
