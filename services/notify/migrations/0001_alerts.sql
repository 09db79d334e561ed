-- One alert per breach. Columns ending in _ms are stream time (or reception), those in _at are by
-- the clock of notify.
CREATE TABLE alerts (
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,   -- order of opening, for paging
    id uuid PRIMARY KEY,
    breach_id text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('open', 'acknowledged', 'resolved')),
    severity text NOT NULL,
    target text NOT NULL,
    indicator text NOT NULL,
    measure text NOT NULL,
    comparison text NOT NULL,
    limit_value double precision NOT NULL,
    within_ms bigint,
    scope text NOT NULL,
    window_name text NOT NULL,
    value double precision,
    low double precision,
    high double precision,
    n bigint NOT NULL,
    rule_version text NOT NULL,
    started_ms bigint NOT NULL,
    at_ms bigint NOT NULL,
    received_ms bigint NOT NULL,       -- latest reception among the events that led here
    published_ms bigint NOT NULL,      -- when the breach was written to Kafka
    opened_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledge_note text,
    resolved_at timestamptz,
    cleared_ms bigint,
    cleared_value double precision,
    cleared_n bigint,
    first_attempt_at timestamptz
);
CREATE INDEX alerts_active ON alerts (number) WHERE state <> 'resolved';

-- Numbers the transitions in the order of their commits: the row lock makes writers queue.
CREATE TABLE stream_position (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    value bigint NOT NULL
);
INSERT INTO stream_position (value) VALUES (0);

-- Every transition, with the alert as it stood then (JSON): what the event stream sends.
CREATE TABLE alert_changes (
    sequence bigint PRIMARY KEY,
    alert_id uuid NOT NULL REFERENCES alerts (id),
    transition text NOT NULL CHECK (transition IN ('opened', 'acknowledged', 'resolved')),
    at timestamptz NOT NULL,
    actor text,
    body text NOT NULL,
    UNIQUE (alert_id, transition)
);

-- Webhook endpoints. The secret is derived from id and salt (ADR in docs/webhooks.md); that of the
-- endpoint named by the settings comes from the settings and has no salt.
CREATE TABLE endpoints (
    id text PRIMARY KEY,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    salt bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    disabled_at timestamptz,
    disabled_reason text,
    deleted_at timestamptz,
    deleted_by text
);

-- The outbox: written with the transition, delivered by whichever replica claims it.
-- next_attempt_at also is the lease: a claim moves it past the longest attempt.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id text NOT NULL UNIQUE,
    alert_id uuid NOT NULL REFERENCES alerts (id),
    transition text NOT NULL,
    endpoint_id text NOT NULL REFERENCES endpoints (id),
    body text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    last_status int,
    last_error text
);
CREATE INDEX outbox_due ON outbox (endpoint_id, next_attempt_at) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (endpoint_id, alert_id, id) WHERE state = 'pending';
CREATE INDEX outbox_alert ON outbox (alert_id);

CREATE TABLE delivery_attempts (
    outbox_id bigint NOT NULL REFERENCES outbox (id),
    attempt int NOT NULL,
    at timestamptz NOT NULL,
    duration_ms int NOT NULL,
    status int,
    error text,
    PRIMARY KEY (outbox_id, attempt)
);

-- The master key of endpoint secrets when the settings name none: made once.
CREATE TABLE signing_key (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    key bytea NOT NULL
);

-- Records of `breaches` that can be no alert, as they came.
CREATE TABLE refused_breaches (
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    reason text NOT NULL,
    content bytea NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, record_offset)
);
