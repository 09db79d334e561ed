INSERT INTO api_keys AS known (digest, sources, label)
VALUES ($1, $2, $3)
ON CONFLICT (digest) DO UPDATE
SET sources = excluded.sources,
    label = CASE WHEN excluded.label = '' THEN known.label ELSE excluded.label END
WHERE known.revoked_at IS NULL AND known.expires_at IS NULL
RETURNING id
