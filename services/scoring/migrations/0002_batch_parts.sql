-- A flush that measures much states it in several parts, each a batch of its own.
ALTER TABLE recorded_batches
    ADD COLUMN part int NOT NULL DEFAULT 0,
    DROP CONSTRAINT recorded_batches_pkey,
    ADD PRIMARY KEY (topic, source, revision, part);
