SELECT * FROM endpoints WHERE deleted_at IS NULL ORDER BY created_at, id
