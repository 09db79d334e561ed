UPDATE api_keys SET expires_at = now() + $2::interval WHERE id = ANY ($1::bigint[])
