-- Results of employees over a calendar month. A row is never changed: other data make a new
-- revision, and the trigger sees to it.
CREATE TABLE results (
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,   -- order of publication, for paging
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    period text NOT NULL,
    zone text NOT NULL,
    start_ms bigint NOT NULL,
    end_ms bigint NOT NULL,
    department text NOT NULL,
    team text NOT NULL,
    employee text NOT NULL,
    revision int NOT NULL,
    state text NOT NULL CHECK (state IN ('provisional', 'final')),
    rule_version text NOT NULL,
    figures text NOT NULL,        -- JSON, as it was digested
    digest bytea NOT NULL,
    published_at timestamptz NOT NULL,
    published_by text NOT NULL,
    UNIQUE (period, department, employee, revision)
);
CREATE INDEX results_of_employee ON results (employee, number);
CREATE INDEX results_of_department ON results (department, number);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'published results are never changed: publish a new revision';
END
$$;
CREATE TRIGGER results_stay BEFORE UPDATE OR DELETE ON results
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER results_stay_all BEFORE TRUNCATE ON results
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE acknowledgements (
    result_id uuid PRIMARY KEY REFERENCES results (id),
    actor text NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE comments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    result_id uuid NOT NULL REFERENCES results (id),
    actor text NOT NULL,
    text text NOT NULL,
    mentions text[] NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX comments_of_result ON comments (result_id, id);
CREATE INDEX comments_mentions ON comments USING gin (mentions);

-- Periods that were published as final without anybody asking: once each.
CREATE TABLE auto_publications (
    period text PRIMARY KEY,
    at timestamptz NOT NULL,
    results int NOT NULL
);
