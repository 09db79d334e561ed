-- Every number derived from events, as the topic `measurements` states them. A measurement that
-- later events change is taken back (sign -1) and stated anew (sign 1): add up over sign.
-- One partition per day (UTC) of time_ms, made by the recorder when the first row of a day comes.
CREATE TABLE measurements (
    source int NOT NULL,             -- input partition that measured it
    revision bigint NOT NULL,        -- flush of that partition
    ticket text NOT NULL,
    indicator text NOT NULL,         -- id, as in shared/contracts/indicators.py
    sequence int NOT NULL,           -- tells measurements of one ticket and indicator apart
    sign smallint NOT NULL,
    time_ms bigint NOT NULL,         -- instant it is booked at
    value bigint NOT NULL,           -- ms for durations, per mille for ratings, 1 for counts
    good smallint NOT NULL,
    department text NOT NULL,        -- unknown names are ''
    team text NOT NULL,
    employee text NOT NULL,
    channel text NOT NULL,
    category text NOT NULL,
    event bigint NOT NULL,           -- 64-bit hash of the completing event, as a signed number
    rule_version text NOT NULL,
    record_offset bigint NOT NULL    -- offset of the Kafka record it came in
) PARTITION BY RANGE (time_ms);

CREATE INDEX measurements_ticket ON measurements (ticket);

-- How far the topic has been copied: written in the transaction that stores the rows, and locked
-- by it, so that two recorders in the middle of a rebalance cannot both store the same records.
CREATE TABLE recorder_offsets (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- The batches of the recent past, so that one that was produced twice is stored once.
CREATE TABLE recorded_batches (
    topic text NOT NULL,
    source int NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (topic, source, revision)
);

-- What can never be a row (a text with a NUL character, an unknown indicator, bytes that are no
-- batch), kept as it came: MessagePack of the measurement, or the whole record.
CREATE TABLE refused_measurements (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    reason text NOT NULL,
    content bytea NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now()
);
