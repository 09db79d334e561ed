SELECT partition, next_offset FROM recorder_offsets
WHERE topic = $1 AND partition = ANY ($2::int[])
ORDER BY partition
FOR UPDATE
