SELECT sequence, body FROM alert_changes WHERE sequence > $1 ORDER BY sequence LIMIT $2
