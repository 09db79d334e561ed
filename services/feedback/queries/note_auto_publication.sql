INSERT INTO auto_publications (period, at, results) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
