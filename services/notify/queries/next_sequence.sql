UPDATE stream_position SET value = value + 1 RETURNING value
