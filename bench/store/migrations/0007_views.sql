CREATE VIEW data_classes AS
WITH data_sets AS (
    SELECT dataset ->> 'fingerprint' AS fingerprint, any_value((dataset -> 'classes')::VARCHAR[]) AS classes
    FROM runs
    GROUP BY ALL
)
SELECT fingerprint, unnest(range(len(classes)))::INTEGER AS label, unnest(classes) AS class
FROM data_sets;

CREATE VIEW per_class AS
WITH seeds AS (
    SELECT
        g.data, g.synthetic, g.fingerprint, g.protocol, g.train_pairs, g.variant, g.size, g.steps, g.batch_pairs,
        g.setting, g.seed,
        c.query, c.archive, c.metric, c.k, c.label, c.queries,
        avg(c.value) AS value
    FROM trial_settings g
    JOIN class_scores c USING (trial_id)
    WHERE g.outcome = 'completed' AND c.subject = 'trained'
    GROUP BY ALL
)
SELECT
    data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting,
    query, archive, metric, k,
    label,
    class,
    queries,
    avg(value) AS mean,
    stddev_samp(value) AS sd,
    count(*) AS seeds
FROM seeds
LEFT JOIN data_classes USING (fingerprint, label)
GROUP BY ALL;

CREATE VIEW query_results AS
SELECT
    g.trial_id, g.data, g.synthetic, g.fingerprint, g.protocol, g.train_pairs, g.variant, g.size, g.steps,
    g.batch_pairs, g.setting, g.seed,
    s.query, s.archive, s.metric, s.k,
    v.position,
    q.pair_id, q.tile, q.country, q.date,
    v.value
FROM trial_settings g
JOIN query_scores s USING (trial_id)
JOIN query_values v USING (series)
LEFT JOIN queries q ON q.fingerprint = g.fingerprint AND q.position = v.position
WHERE g.outcome = 'completed';

CREATE VIEW hard_queries AS
WITH cross_sensor AS (
    SELECT
        g.data, g.synthetic, g.fingerprint, g.protocol, g.train_pairs, g.variant, g.size, g.steps, g.batch_pairs,
        g.setting, g.seed, s.trial_id, s.metric, s.k, s.series
    FROM trial_settings g
    JOIN query_scores s USING (trial_id)
    WHERE g.outcome = 'completed' AND s.query <> s.archive AND s.archive <> 'both'
    QUALIFY count(*) OVER (PARTITION BY s.trial_id, s.metric, s.k) = 2
),
counted AS (
    SELECT
        *,
        count(DISTINCT seed) OVER candidate AS seeds,
        min(series) OVER candidate AS candidate_series,
        count(*) OVER (
            PARTITION BY data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting,
                metric, k, seed
        ) AS series_of_seed
    FROM cross_sensor
    WINDOW candidate AS (
        PARTITION BY data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting,
            metric, k
    )
),
means AS (
    -- both directions, all trials of a seed and all seeds weigh the same
    SELECT c.candidate_series, c.metric, v.position, sum(v.value / (c.seeds * c.series_of_seed)) AS mean
    FROM counted c
    JOIN query_values v USING (series)
    GROUP BY ALL
),
names AS (
    SELECT fingerprint, list(class ORDER BY label) AS classes
    FROM data_classes
    GROUP BY ALL
)
SELECT
    c.data, c.synthetic, c.fingerprint, c.protocol, c.train_pairs, c.variant, c.size, c.steps, c.batch_pairs, c.setting,
    m.metric, c.k,
    m.position,
    q.pair_id, q.tile, q.country, q.date,
    list_transform(q.labels, lambda label: n.classes[label + 1]) AS classes,
    m.mean,
    c.seeds
FROM means m
JOIN counted c ON c.series = m.candidate_series
LEFT JOIN queries q ON q.fingerprint = c.fingerprint AND q.position = m.position
LEFT JOIN names n ON n.fingerprint = c.fingerprint;

CREATE VIEW scores_by_group AS
WITH seasons AS (
    SELECT
        fingerprint,
        position,
        CASE
            WHEN month(date) IN (12, 1, 2) THEN 'Dec-Feb'
            WHEN month(date) IN (3, 4, 5) THEN 'Mar-May'
            WHEN month(date) IN (6, 7, 8) THEN 'Jun-Aug'
            WHEN month(date) IN (9, 10, 11) THEN 'Sep-Nov'
        END AS season
    FROM queries
),
members AS (
    SELECT q.fingerprint, 'class' AS kind, c.class AS name, q.position
    FROM (SELECT fingerprint, position, unnest(labels) AS label FROM queries) q
    JOIN data_classes c USING (fingerprint, label)
    UNION ALL
    SELECT fingerprint, 'country', country, position FROM queries
    UNION ALL
    SELECT fingerprint, 'season', season, position FROM seasons
    UNION ALL
    SELECT fingerprint, 'tile', tile, position FROM queries
),
trial_means AS (
    SELECT g.fingerprint, s.series, s.metric, m.kind, m.name, count(*) AS queries, avg(v.value) AS value
    FROM trial_settings g
    JOIN query_scores s USING (trial_id)
    JOIN query_values v USING (series)
    JOIN members m ON m.fingerprint = g.fingerprint AND m.position = v.position
    WHERE g.outcome = 'completed' AND m.name IS NOT NULL
    GROUP BY ALL
),
seeds AS (
    SELECT
        g.data, g.synthetic, g.fingerprint, g.protocol, g.train_pairs, g.variant, g.size, g.steps, g.batch_pairs,
        g.setting, g.seed, s.query, s.archive, m.metric, s.k, m.kind, m.name, m.queries,
        avg(m.value) AS value
    FROM trial_means m
    JOIN query_scores s USING (series)
    JOIN trial_settings g USING (trial_id)
    GROUP BY ALL
)
SELECT
    data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting,
    query, archive, metric, k,
    kind, name, queries,
    avg(value) AS mean,
    stddev_samp(value) AS sd,
    count(*) AS seeds
FROM seeds
GROUP BY ALL;

COMMENT ON VIEW data_classes IS 'The classes of each data set that a run used';
COMMENT ON COLUMN data_classes.label IS 'As in class_scores, and in the labels of queries';

COMMENT ON VIEW per_class IS
    'Mean over seeds for each class and direction, over the queries that carry the class; relevant is what carries it too';
COMMENT ON COLUMN per_class.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN per_class.setting IS 'Hash of network, training and precision; equal in each row';
COMMENT ON COLUMN per_class.metric IS 'class_precision or class_map';
COMMENT ON COLUMN per_class.label IS 'Number of the class, from 0, in the data set''s list of classes';
COMMENT ON COLUMN per_class.class IS 'Its name; NULL when the run is not in the store';
COMMENT ON COLUMN per_class.queries IS 'How many queries carry the class: few make a noisy mean';
COMMENT ON COLUMN per_class.mean IS 'Of the trained descriptors, over seeds';
COMMENT ON COLUMN per_class.sd IS 'Standard deviation over seeds; NULL with one';
COMMENT ON COLUMN per_class.seeds IS 'How many';

COMMENT ON VIEW query_results IS
    'One row a query, completed trial, direction and metric. Not averaged, and long: ask for one metric';
COMMENT ON COLUMN query_results.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN query_results.position IS 'Of the query, from 1, in the order of the query split';
COMMENT ON COLUMN query_results.pair_id IS 'Name of the query''s pair; NULL when a store of an older version lacks it';
COMMENT ON COLUMN query_results.tile IS 'As in queries';
COMMENT ON COLUMN query_results.country IS 'As in queries';
COMMENT ON COLUMN query_results.date IS 'As in queries';
COMMENT ON COLUMN query_results.value IS 'Of the trained descriptors, in the unit of the metric';

COMMENT ON VIEW hard_queries IS
    'Cross-sensor mean (S1 to S2 and S2 to S1) over seeds for each query and candidate. Long: ask for one metric, such as '
    'select pair_id, classes, mean from hard_queries where metric = ''ndcg'' order by mean limit 20';
COMMENT ON COLUMN hard_queries.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN hard_queries.position IS 'Of the query, from 1, in the order of the query split';
COMMENT ON COLUMN hard_queries.pair_id IS 'Name of the query''s pair; NULL when a store of an older version lacks it';
COMMENT ON COLUMN hard_queries.tile IS 'As in queries';
COMMENT ON COLUMN hard_queries.country IS 'As in queries';
COMMENT ON COLUMN hard_queries.date IS 'As in queries';
COMMENT ON COLUMN hard_queries.classes IS 'Names of the classes that the query carries; NULL for data without labels';
COMMENT ON COLUMN hard_queries.mean IS 'Of the trained descriptors, over both directions and all seeds';
COMMENT ON COLUMN hard_queries.seeds IS 'How many';

COMMENT ON VIEW scores_by_group IS
    'Mean over the queries of a class, country, season or tile, then over seeds, for each candidate, direction and metric. '
    'Ask for one metric. Groups overlap: a query carries several classes';
COMMENT ON COLUMN scores_by_group.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN scores_by_group.kind IS 'class, country, season or tile';
COMMENT ON COLUMN scores_by_group.name IS
    'Of the group. Seasons are months, which hold on both hemispheres: Dec-Feb, Mar-May, Jun-Aug or Sep-Nov';
COMMENT ON COLUMN scores_by_group.queries IS 'How many queries it has: few make a noisy mean';
COMMENT ON COLUMN scores_by_group.mean IS 'Of the trained descriptors, over its queries, then over seeds';
COMMENT ON COLUMN scores_by_group.sd IS 'Standard deviation over seeds; NULL with one';
COMMENT ON COLUMN scores_by_group.seeds IS 'How many';
