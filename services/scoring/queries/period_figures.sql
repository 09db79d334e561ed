-- Figures of every employee over the measurements booked in [$1, $2) ms; $3 is a department or
-- NULL. A measurement that was taken back cancels out, because all is added up over sign.
-- Percentiles are exact: the value whose rank is ceil(q * n).
WITH booked AS (
    SELECT department, employee, team, indicator, value, sign, good
    FROM measurements
    WHERE time_ms >= $1 AND time_ms < $2
      AND employee <> ''
      AND indicator = ANY ($4::text[])
      AND ($3::text IS NULL OR department = $3)
),
by_value AS (
    SELECT department, employee, indicator, value,
           sum(sign)::bigint AS n,
           sum(sign * good)::bigint AS good
    FROM booked
    GROUP BY department, employee, indicator, value
    HAVING sum(sign) <> 0 OR sum(sign * good) <> 0
),
ranked AS (
    SELECT department, employee, indicator, value, n, good,
           sum(n) OVER (PARTITION BY department, employee, indicator ORDER BY value) AS rank,
           sum(n) OVER (PARTITION BY department, employee, indicator) AS total_n
    FROM by_value
),
teams AS (
    SELECT department, employee, mode() WITHIN GROUP (ORDER BY team) AS team
    FROM booked
    GROUP BY department, employee
)
SELECT ranked.department,
       ranked.employee,
       teams.team,
       ranked.indicator,
       sum(n)::bigint AS n,
       sum(good)::bigint AS good,
       sum(n * value)::bigint AS total,
       sum(n * value::numeric * value)::float8 AS squares,
       min(value) FILTER (WHERE rank >= ceil(0.50 * total_n)) AS p50,
       min(value) FILTER (WHERE rank >= ceil(0.90 * total_n)) AS p90,
       min(value) FILTER (WHERE rank >= ceil(0.95 * total_n)) AS p95,
       min(value) FILTER (WHERE rank >= ceil(0.99 * total_n)) AS p99
FROM ranked
JOIN teams USING (department, employee)
GROUP BY ranked.department, ranked.employee, teams.team, ranked.indicator
HAVING sum(n) > 0
ORDER BY ranked.department, ranked.employee, ranked.indicator;
