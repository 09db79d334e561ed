UPDATE alerts
SET state = 'resolved', resolved_at = $2, cleared_ms = $3, cleared_value = $4, cleared_n = $5
WHERE breach_id = $1 AND state <> 'resolved'
RETURNING *, ARRAY(
    SELECT id FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL
) AS endpoints
