SELECT id FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL
