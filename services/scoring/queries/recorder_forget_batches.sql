DELETE FROM recorded_batches AS old
USING (
    SELECT source, max(revision) AS newest FROM recorded_batches WHERE topic = $1 GROUP BY source
) AS present
WHERE old.topic = $1 AND old.source = present.source AND old.revision < present.newest - $2
