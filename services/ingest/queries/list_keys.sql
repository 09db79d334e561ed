SELECT id, sources, label, created_at, expires_at, revoked_at
FROM api_keys
ORDER BY id
