INSERT INTO refused_measurements (topic, partition, record_offset, reason, content)
VALUES ($1, $2, $3, $4, $5)
