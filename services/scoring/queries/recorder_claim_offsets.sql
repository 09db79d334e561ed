INSERT INTO recorder_offsets (topic, partition, next_offset)
SELECT $1, partition, 0 FROM unnest($2::int[]) AS partition
ON CONFLICT DO NOTHING
