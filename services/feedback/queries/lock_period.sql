SELECT pg_advisory_xact_lock(hashtext('publish ' || $1))
