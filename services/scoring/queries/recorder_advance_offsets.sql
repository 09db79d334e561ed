UPDATE recorder_offsets AS o SET next_offset = new.next_offset
FROM unnest($2::int[], $3::bigint[]) AS new (partition, next_offset)
WHERE o.topic = $1 AND o.partition = new.partition
