SELECT sequence, transition, at, actor FROM alert_changes WHERE alert_id = $1 ORDER BY sequence
