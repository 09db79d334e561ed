SELECT pg_notify('notify_alerts', '')
