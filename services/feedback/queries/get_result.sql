SELECT r.*, a.at AS acknowledged_at, a.actor AS acknowledged_by,
       (SELECT count(*) FROM comments AS c WHERE c.result_id = r.id) AS comments,
       NOT EXISTS (
           SELECT FROM results AS later
           WHERE later.period = r.period AND later.department = r.department
             AND later.employee = r.employee AND later.revision > r.revision
       ) AS latest
FROM results AS r
LEFT JOIN acknowledgements AS a ON a.result_id = r.id
WHERE r.id = $1
