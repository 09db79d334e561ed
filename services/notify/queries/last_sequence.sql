SELECT value FROM stream_position
