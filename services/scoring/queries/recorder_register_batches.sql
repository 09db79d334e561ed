INSERT INTO recorded_batches (topic, source, revision, part)
SELECT $1, source, revision, part
FROM unnest($2::int[], $3::bigint[], $4::int[]) AS given (source, revision, part)
ON CONFLICT DO NOTHING
RETURNING source, revision, part
