INSERT INTO recorded_batches (topic, source, revision)
SELECT $1, source, revision FROM unnest($2::int[], $3::bigint[]) AS given (source, revision)
ON CONFLICT DO NOTHING
RETURNING source, revision
