-- a row a value: growing a column of long lists rewrites those of all earlier trials
ALTER TABLE query_scores ADD COLUMN series INTEGER;
UPDATE query_scores SET series = numbered.series
FROM (
    SELECT trial_id, position, row_number() OVER (ORDER BY trial_id, position) AS series
    FROM query_scores
) AS numbered
WHERE numbered.trial_id = query_scores.trial_id AND numbered.position = query_scores.position;

CREATE TABLE query_values (
    series INTEGER NOT NULL,
    position INTEGER NOT NULL,
    value DOUBLE NOT NULL
);

INSERT INTO query_values
SELECT series, generate_subscripts(values, 1), unnest(values)
FROM query_scores
ORDER BY series;

ALTER TABLE query_scores DROP COLUMN values;

CREATE TABLE class_scores (
    trial_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    subject VARCHAR NOT NULL,
    step INTEGER NOT NULL,
    query VARCHAR NOT NULL,
    archive VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    k INTEGER,
    label INTEGER NOT NULL,
    queries INTEGER NOT NULL,
    value DOUBLE NOT NULL
);

CREATE TABLE queries (
    fingerprint VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    pair_id VARCHAR NOT NULL,
    tile VARCHAR,
    country VARCHAR,
    date DATE,
    labels INTEGER[]
);

CREATE TABLE index_measurements (
    trial_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    parameter INTEGER NOT NULL,
    query VARCHAR NOT NULL,
    archive VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    items BIGINT NOT NULL,
    width INTEGER NOT NULL,
    k INTEGER NOT NULL,
    queries INTEGER NOT NULL,
    recall_at_k DOUBLE,
    recall_standard_error DOUBLE,
    latency_seconds DOUBLE NOT NULL,
    latency_p95_seconds DOUBLE NOT NULL,
    batch_seconds DOUBLE NOT NULL,
    build_seconds DOUBLE NOT NULL,
    index_bytes BIGINT NOT NULL,
    threads INTEGER NOT NULL,
    machine VARCHAR NOT NULL,
    tool_version VARCHAR NOT NULL,
    measured_at TIMESTAMP NOT NULL
);

COMMENT ON COLUMN scores.subject IS
    'trained; or what needs no training: untrained (the same network before any step), band_statistics (mean and '
    'deviation of each band), thumbnail (8 x 8 grey pixels), chance (a random order)';
COMMENT ON COLUMN scores.archive IS 'Sensor of the archive: s1, s2, or both, when it mixes the images of both';
COMMENT ON COLUMN scores.metric IS
    'What is measured. Among them: f1_of_means, ndcg and map need labels; partner_recall and partner_mrr do not';
COMMENT ON COLUMN scores.value IS
    'In the unit of its metric. Most are shares between 0 and 1; weighted_map counts labels, partner_median_rank is a '
    'rank from 1, modality_gap a distance';
COMMENT ON TABLE query_scores IS
    'Which metrics of the trained descriptors are known for each query; the values are in query_values, and with their '
    'queries in query_results';
COMMENT ON COLUMN query_scores.archive IS 'As in scores';
COMMENT ON COLUMN query_scores.series IS 'Its values in query_values';

COMMENT ON TABLE query_values IS 'One metric for each query';
COMMENT ON COLUMN query_values.series IS 'As in query_scores';
COMMENT ON COLUMN query_values.position IS 'From 1, in the order of the query split, as in queries';
COMMENT ON COLUMN query_values.value IS 'In the unit of its metric';

COMMENT ON TABLE class_scores IS
    'Numbers of a retrieval matrix for the queries that carry one class, of the longest training';
COMMENT ON COLUMN class_scores.position IS 'Order within the trial';
COMMENT ON COLUMN class_scores.subject IS 'As in scores';
COMMENT ON COLUMN class_scores.step IS 'Training steps made when it was measured';
COMMENT ON COLUMN class_scores.query IS 'Sensor of the query: s1 or s2';
COMMENT ON COLUMN class_scores.archive IS 'As in scores';
COMMENT ON COLUMN class_scores.metric IS 'class_precision or class_map';
COMMENT ON COLUMN class_scores.k IS 'Neighbours looked at; NULL where the metric looks at all';
COMMENT ON COLUMN class_scores.label IS 'Number of the class, from 0, in the data set''s list of classes';
COMMENT ON COLUMN class_scores.queries IS 'How many queries carry the class';
COMMENT ON COLUMN class_scores.value IS 'Between 0 and 1';

COMMENT ON TABLE queries IS 'The queries of each data set: where and when they were taken and what they show';
COMMENT ON COLUMN queries.fingerprint IS 'Of the data set, as in trials';
COMMENT ON COLUMN queries.position IS 'From 1, in the order of the query split';
COMMENT ON COLUMN queries.pair_id IS 'Name of the pair';
COMMENT ON COLUMN queries.tile IS
    'The large image that it was cut from: an MGRS tile, or the product where the tile is not told; NULL: not told';
COMMENT ON COLUMN queries.country IS 'NULL: not told';
COMMENT ON COLUMN queries.date IS 'Day on which the optical image was taken; NULL: not told';
COMMENT ON COLUMN queries.labels IS
    'Numbers of the classes that it carries, from 0, in the data set''s list; NULL for data without labels';

COMMENT ON TABLE index_measurements IS
    'Indexes over the descriptors of a trial: one row an index, archive, direction and setting of its search';
COMMENT ON COLUMN index_measurements.kind IS 'Kind of index: exact, or an approximate one';
COMMENT ON COLUMN index_measurements.parameter IS 'Setting of its search, nprobe or efSearch; 0 where there is none';
COMMENT ON COLUMN index_measurements.query IS 'Sensor of the query: s1 or s2';
COMMENT ON COLUMN index_measurements.archive IS 'As in scores';
COMMENT ON COLUMN index_measurements.source IS
    'real: the trial''s own descriptors; enlarged: more, drawn from its own, whose neighbours are not real';
COMMENT ON COLUMN index_measurements.items IS 'Vectors in the index';
COMMENT ON COLUMN index_measurements.width IS 'Numbers in a vector';
COMMENT ON COLUMN index_measurements.k IS 'Neighbours asked for';
COMMENT ON COLUMN index_measurements.queries IS
    'That recall is over; of an enlarged archive, those that were timed';
COMMENT ON COLUMN index_measurements.recall_at_k IS
    'Share of the k exact nearest that are found; NULL for an enlarged archive';
COMMENT ON COLUMN index_measurements.recall_standard_error IS 'Over queries';
COMMENT ON COLUMN index_measurements.latency_seconds IS 'Of a query asked alone: the median';
COMMENT ON COLUMN index_measurements.latency_p95_seconds IS 'The time that 95 % of queries asked alone keep';
COMMENT ON COLUMN index_measurements.batch_seconds IS 'A query, when all are asked at once';
COMMENT ON COLUMN index_measurements.build_seconds IS 'Training and filling';
COMMENT ON COLUMN index_measurements.index_bytes IS 'As serialized';
COMMENT ON COLUMN index_measurements.threads IS 'CPU threads';
COMMENT ON COLUMN index_measurements.machine IS 'Short hash of the hardware; equal machines share it';
COMMENT ON COLUMN index_measurements.tool_version IS 'Version of csmae-advisor';
COMMENT ON COLUMN index_measurements.measured_at IS 'UTC';
