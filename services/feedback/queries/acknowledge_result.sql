INSERT INTO acknowledgements (result_id, actor, at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
RETURNING result_id
