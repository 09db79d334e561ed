SELECT id, result_id, actor, text, mentions, at FROM comments
WHERE result_id = $1 AND ($2::bigint IS NULL OR id > $2)
ORDER BY id
LIMIT $3
