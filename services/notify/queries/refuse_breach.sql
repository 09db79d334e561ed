INSERT INTO refused_breaches (partition, record_offset, reason, content)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
