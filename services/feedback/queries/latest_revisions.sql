SELECT DISTINCT ON (department, employee) department, employee, revision, digest
FROM results
WHERE period = $1
ORDER BY department, employee, revision DESC
