UPDATE endpoints SET disabled_at = NULL, disabled_reason = NULL
WHERE id = $1 AND deleted_at IS NULL
RETURNING *
