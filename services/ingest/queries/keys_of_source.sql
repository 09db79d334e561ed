SELECT id, sources, label
FROM api_keys
WHERE $1 = ANY (sources) AND revoked_at IS NULL AND expires_at IS NULL
ORDER BY id DESC
FOR UPDATE
