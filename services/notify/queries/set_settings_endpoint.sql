INSERT INTO endpoints (id, url, description, created_by)
VALUES ($1, $2, 'named by the settings', 'settings')
ON CONFLICT (id) DO UPDATE
SET url = excluded.url, deleted_at = NULL, deleted_by = NULL,
    disabled_at = NULL, disabled_reason = NULL
