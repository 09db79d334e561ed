UPDATE alerts
SET state = 'acknowledged', acknowledged_at = $2, acknowledged_by = $3, acknowledge_note = $4
WHERE id = $1 AND state = 'open'
RETURNING *, ARRAY(
    SELECT id FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL
) AS endpoints
