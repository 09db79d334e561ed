INSERT INTO alerts (
    id, breach_id, state, severity, target, indicator, measure, comparison, limit_value, within_ms,
    scope, window_name, value, low, high, n, rule_version, started_ms, at_ms, received_ms,
    published_ms, opened_at
)
VALUES (
    $1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
    $20, $21
)
ON CONFLICT (breach_id) DO NOTHING
RETURNING *, ARRAY(
    SELECT id FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL
) AS endpoints
