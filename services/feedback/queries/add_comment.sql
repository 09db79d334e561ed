INSERT INTO comments (result_id, actor, text, mentions, at)
SELECT id, $2, $3, $4, $5 FROM results WHERE id = $1
RETURNING id, result_id, actor, text, mentions, at
