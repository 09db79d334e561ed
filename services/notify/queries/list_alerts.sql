SELECT * FROM alerts
WHERE state = ANY ($1::text[])
  AND ($2::text IS NULL OR scope = $2)
  AND ($3::text IS NULL OR severity = $3)
  AND ($4::bigint IS NULL OR number < $4)
ORDER BY number DESC
LIMIT $5
