CREATE VIEW estimate_audit AS
WITH measurements AS (
    SELECT
        t.trial_id, t.run_id, t.started_at, t.machine, t.device, t.precision, t.variant, t.size, t.steps, t.batch_pairs,
        t.marks,
        p.quantity, p.value, p.low, p.high, p.source, p.basis,
        CASE p.quantity
            WHEN 'peak_memory_bytes' THEN t.peak_memory_bytes
            WHEN 'peak_rss_bytes' THEN t.peak_rss_bytes
            WHEN 'step_seconds' THEN list_median(t.step_seconds)
            WHEN 'total_seconds' THEN t.total_seconds
        END::DOUBLE AS measured
    FROM trials t
    JOIN predictions p USING (trial_id)
    -- a trial that goes on with another was predicted as a whole
    WHERE t.outcome = 'completed' AND t.retry_of IS NULL
)
SELECT
    trial_id, run_id, started_at, machine, device, precision, variant, size, steps, batch_pairs, marks,
    quantity, value AS predicted, low, high, measured,
    measured / nullif(value, 0) - 1 AS error,
    measured BETWEEN low AND high AS inside,
    source, basis
FROM measurements
WHERE measured IS NOT NULL;

CREATE VIEW learning_curves AS
SELECT
    t.trial_id,
    t.data,
    t.synthetic,
    t.fingerprint,
    t.protocol,
    t.train_pairs,
    t.variant,
    t.size,
    t.batch_pairs,
    left(md5(concat_ws(
        ' ', t.model, t.learning_rate, t.warmup_steps, t.decay_share, t.weight_decay, t.betas, t.precision
    )), 6) AS setting,
    t.seed,
    t.outcome,
    t.machine || ' ' || t.device AS measured_on,
    r.step,
    r.seconds,
    s.query,
    s.archive,
    s.metric,
    s.k,
    s.value
FROM trials t
JOIN rungs r USING (trial_id)
JOIN scores s ON s.trial_id = t.trial_id AND s.step = r.step AND s.subject = 'trained';

CREATE VIEW equal_seconds AS
WITH points AS (
    SELECT
        t.data,
        t.synthetic,
        left(md5(concat_ws(
            ' ', t.fingerprint, t.protocol, t.train_pairs, t.query_pairs, t.archive_pairs, t.k, t.batch_pairs,
            t.learning_rate, t.warmup_steps, t.decay_share, t.weight_decay, t.betas, t.precision,
            t.machine, t.device, t.threads
        )), 6) AS comparable,
        t.variant,
        t.size,
        left(md5(t.model), 6) AS network,
        t.seed,
        s.query,
        s.archive,
        s.metric,
        s.k,
        r.step,
        avg(r.seconds) AS seconds,
        avg(s.value) AS value,
        bool_or(len(t.marks) > 0) AS disturbed
    FROM trials t
    JOIN rungs r USING (trial_id)
    JOIN scores s ON s.trial_id = t.trial_id AND s.step = r.step AND s.subject = 'trained'
    WHERE t.outcome = 'completed'
    GROUP BY ALL
),
reach AS (
    SELECT *, max(seconds) OVER (PARTITION BY comparable, variant, size, network) AS candidate_seconds
    FROM points
),
shared AS (
    SELECT *, min(candidate_seconds) OVER (PARTITION BY comparable) AS shared_seconds
    FROM reach
),
sides AS (
    SELECT
        data, synthetic, comparable, variant, size, network, seed, query, archive, metric, k, shared_seconds,
        arg_max({'seconds': seconds, 'value': value}, seconds) FILTER (seconds <= shared_seconds) AS before,
        arg_min({'seconds': seconds, 'value': value}, seconds) FILTER (seconds >= shared_seconds) AS after,
        bool_or(disturbed) AS disturbed
    FROM shared
    GROUP BY ALL
)
SELECT
    data, synthetic, comparable, variant, size, network, seed, query, archive, metric, k,
    shared_seconds AS seconds,
    CASE
        WHEN before.seconds = after.seconds THEN before.value
        ELSE before.value
            + (after.value - before.value) * (shared_seconds - before.seconds) / (after.seconds - before.seconds)
    END AS value,
    disturbed
FROM sides;

CREATE VIEW batch_edge AS
WITH tries AS (
    SELECT *, (model ->> 'image_pixels')::INTEGER AS image_pixels, left(md5(model), 6) AS network
    FROM batch_edges
),
edges AS (
    SELECT
        *,
        max(batch_pairs) FILTER (fits) OVER same AS fits_at,
        min(batch_pairs) FILTER (NOT fits) OVER same AS fails_at
    FROM tries
    WINDOW same AS (
        PARTITION BY machine, device, precision, variant, size, image_pixels, network, memory_limit_bytes, protocol
    )
)
SELECT
    machine, device, precision, variant, size, image_pixels, network, memory_limit_bytes, protocol,
    fits_at,
    count(*) FILTER (fits AND batch_pairs = fits_at) AS fits_times,
    max(peak_bytes) FILTER (fits AND batch_pairs = fits_at) AS peak_bytes,
    fails_at,
    max(cause) FILTER (NOT fits AND batch_pairs = fails_at) AS cause,
    max(measured_at) AS measured_at
FROM edges
GROUP BY ALL;

COMMENT ON VIEW estimate_audit IS
    'One row a prediction of a completed trial, beside what was measured. How good our estimates are: '
    'select quantity, source, count(*), median(abs(error)), avg(inside::int) from estimate_audit group by all';
COMMENT ON COLUMN estimate_audit.steps IS 'Training steps of the trial';
COMMENT ON COLUMN estimate_audit.marks IS 'What disturbed the measurement, a sentence each; empty when nothing did';
COMMENT ON COLUMN estimate_audit.quantity IS
    'peak_memory_bytes, peak_rss_bytes, step_seconds (the median of its laps) or total_seconds';
COMMENT ON COLUMN estimate_audit.predicted IS 'Before the trial ran; bytes or seconds';
COMMENT ON COLUMN estimate_audit.low IS 'Lower end of the interval that is meant to hold in 95 % of cases';
COMMENT ON COLUMN estimate_audit.high IS 'Upper end of it';
COMMENT ON COLUMN estimate_audit.measured IS 'What the trial took';
COMMENT ON COLUMN estimate_audit.error IS 'measured / predicted - 1: above zero when it took more than was said';
COMMENT ON COLUMN estimate_audit.inside IS 'Whether the measurement lies in the interval';
COMMENT ON COLUMN estimate_audit.source IS
    'measured (here), calibrated (a formula fitted to measurements here) or prior (a formula alone)';
COMMENT ON COLUMN estimate_audit.basis IS 'What the prediction rested on, in words';

COMMENT ON VIEW learning_curves IS
    'Score against length of training: one row a rung, direction, metric and k of a trial, however it ended. Not averaged';
COMMENT ON COLUMN learning_curves.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN learning_curves.setting IS
    'Hash of network, training and precision; trials of equal setting and data differ by seed and steps alone';
COMMENT ON COLUMN learning_curves.outcome IS 'How the trial ended; its rungs count whatever came later';
COMMENT ON COLUMN learning_curves.measured_on IS 'Machine and device; seconds of different ones do not compare';
COMMENT ON COLUMN learning_curves.step IS 'Training steps, those of the decay included';
COMMENT ON COLUMN learning_curves.seconds IS 'Training seconds that a trial of this many steps alone would have taken';
COMMENT ON COLUMN learning_curves.value IS 'Score of the trained descriptors, between 0 and 1';

COMMENT ON VIEW equal_seconds IS
    'Scores of each candidate and seed after equally long training: the longest time that every candidate of a '
    'comparable set has reached, a straight line between the two rungs around it. Equal steps: see leaderboard';
COMMENT ON COLUMN equal_seconds.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN equal_seconds.comparable IS
    'Hash of data, protocol, training, precision, machine and threads; compare rows of equal hash only';
COMMENT ON COLUMN equal_seconds.network IS 'Hash of every choice that defines the network and its objective';
COMMENT ON COLUMN equal_seconds.seconds IS 'Training seconds, the same for all rows of a comparable set';
COMMENT ON COLUMN equal_seconds.value IS
    'Score of the trained descriptors; NULL where the trainings of this seed are all shorter, or all scored later only';
COMMENT ON COLUMN equal_seconds.disturbed IS 'Whether a trial behind it carries marks: then its seconds say too much';

COMMENT ON VIEW batch_edge IS
    'The largest batch that trained and the smallest that did not, for each network, machine and memory limit';
COMMENT ON COLUMN batch_edge.network IS 'Hash of every choice that defines the network and its objective';
COMMENT ON COLUMN batch_edge.memory_limit_bytes IS 'Where the process would have been stopped; NULL: at the system''s own';
COMMENT ON COLUMN batch_edge.fits_at IS 'Largest batch that trained, in pairs; NULL when none did';
COMMENT ON COLUMN batch_edge.fits_times IS 'How often that batch trained';
COMMENT ON COLUMN batch_edge.peak_bytes IS 'Highest peak of memory at that batch; NULL when not measured';
COMMENT ON COLUMN batch_edge.fails_at IS
    'Smallest batch that did not train, in pairs; NULL when none failed. Not above fits_at when memory was shared with '
    'others at one of the times';
COMMENT ON COLUMN batch_edge.cause IS 'Why that batch did not train, in words';
COMMENT ON COLUMN batch_edge.measured_at IS 'UTC; of the last try';

COMMENT ON VIEW failures IS 'Trials that did not complete, cancelled and interrupted ones included';
