INSERT INTO results (
    period, zone, start_ms, end_ms, department, team, employee, revision, state, rule_version,
    figures, digest, published_at, published_by
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
