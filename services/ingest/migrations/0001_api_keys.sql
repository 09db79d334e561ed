CREATE TABLE api_keys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    sources text[] NOT NULL CHECK (cardinality(sources) > 0),
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON TABLE api_keys IS 'Keys by which sources authenticate; only their SHA-256 is kept';
COMMENT ON COLUMN api_keys.sources IS 'Event sources the key may report, * for any';
COMMENT ON COLUMN api_keys.expires_at IS 'Set on the old keys when a source rotates';
