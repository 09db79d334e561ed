SELECT r.*, a.at AS acknowledged_at, a.actor AS acknowledged_by,
       (SELECT count(*) FROM comments AS c WHERE c.result_id = r.id) AS comments,
       NOT EXISTS (
           SELECT FROM results AS later
           WHERE later.period = r.period AND later.department = r.department
             AND later.employee = r.employee AND later.revision > r.revision
       ) AS latest
FROM results AS r
LEFT JOIN acknowledgements AS a ON a.result_id = r.id
WHERE ($1::text IS NULL OR r.period = $1)
  AND ($2::text IS NULL OR r.department = $2)
  AND ($3::text IS NULL OR r.team = $3)
  AND ($4::text IS NULL OR r.employee = $4)
  AND ($5::boolean OR NOT EXISTS (
      SELECT FROM results AS later
      WHERE later.period = r.period AND later.department = r.department
        AND later.employee = r.employee AND later.revision > r.revision
  ))
  AND ($6::bigint IS NULL OR r.number < $6)
ORDER BY r.number DESC
LIMIT $7
