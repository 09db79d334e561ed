SELECT key FROM signing_key
