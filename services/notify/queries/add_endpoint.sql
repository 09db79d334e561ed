INSERT INTO endpoints (id, url, description, salt, created_by)
VALUES ($1, $2, $3, $4, $5)
RETURNING *
