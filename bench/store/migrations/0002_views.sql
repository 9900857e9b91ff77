CREATE VIEW trial_scores AS
SELECT
    t.trial_id,
    t.data,
    t.synthetic,
    t.fingerprint,
    t.protocol,
    t.train_pairs,
    t.variant,
    t.size,
    t.steps,
    t.batch_pairs,
    left(md5(concat_ws(
        ' ', t.model, t.learning_rate, t.warmup_steps, t.decay_share, t.weight_decay, t.betas, t.precision
    )), 6) AS setting,
    t.seed,
    s.query,
    s.archive,
    s.metric,
    s.k,
    arg_max(s.value, s.step) FILTER (s.subject = 'trained') AS trained,
    arg_max(s.value, s.step) FILTER (s.subject = 'untrained') AS untrained,
    arg_max(s.value, s.step) FILTER (s.subject = 'chance') AS chance,
    t.parameters,
    t.pairs_per_second,
    t.machine || ' ' || t.device AS measured_on
FROM trials t
JOIN scores s USING (trial_id)
WHERE t.outcome = 'completed'
GROUP BY ALL
HAVING trained IS NOT NULL;

CREATE VIEW retrieval_matrix AS
WITH seeds AS (
    SELECT
        data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting, seed,
        query, archive, metric, k,
        avg(trained) AS trained,
        avg(untrained) AS untrained,
        avg(chance) AS chance
    FROM trial_scores
    GROUP BY ALL
)
SELECT
    data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting,
    query, archive, metric, k,
    avg(trained) AS mean,
    stddev_samp(trained) AS sd,
    count(*) AS seeds,
    avg(untrained) AS untrained_mean,
    avg(chance) AS chance_mean
FROM seeds
GROUP BY ALL;

CREATE VIEW leaderboard AS
WITH cross_sensor AS (
    SELECT
        data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting, seed, metric, k,
        trial_id, parameters, pairs_per_second, measured_on,
        avg(trained) AS trained,
        avg(untrained) AS untrained,
        avg(chance) AS chance
    FROM trial_scores
    WHERE query <> archive
    GROUP BY ALL
    HAVING count(*) = 2
),
seeds AS (
    SELECT
        data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting, seed, metric, k,
        avg(trained) AS trained,
        avg(untrained) AS untrained,
        avg(chance) AS chance,
        any_value(parameters) AS parameters,
        median(pairs_per_second) AS pairs_per_second,
        min(measured_on) AS first_machine,
        max(measured_on) AS last_machine
    FROM cross_sensor
    GROUP BY ALL
)
SELECT
    data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting, metric, k,
    avg(trained) AS mean,
    stddev_samp(trained) AS sd,
    count(*) AS seeds,
    avg(untrained) AS untrained_mean,
    avg(chance) AS chance_mean,
    any_value(parameters) AS parameters,
    CASE WHEN min(first_machine) = max(last_machine) THEN median(pairs_per_second) END AS pairs_per_second
FROM seeds
GROUP BY ALL;

CREATE VIEW failures AS
SELECT
    trial_id, run_id, started_at, data, synthetic, fingerprint, protocol, variant, size, seed,
    outcome, cause, steps_done, steps, batch_pairs, machine, device, precision, peak_memory_bytes, peak_rss_bytes
FROM trials
WHERE outcome <> 'completed';

COMMENT ON VIEW trial_scores IS
    'One row a completed trial, direction, metric and k: the last score of each subject. Not averaged';
COMMENT ON COLUMN trial_scores.setting IS
    'Hash of network, training and precision; trials of equal setting and data differ by their seed alone';
COMMENT ON COLUMN trial_scores.trained IS 'Last score of the trained descriptors';
COMMENT ON COLUMN trial_scores.untrained IS 'Score of the same network before any step';
COMMENT ON COLUMN trial_scores.chance IS 'Score of a random order';
COMMENT ON COLUMN trial_scores.measured_on IS 'Machine and device';

COMMENT ON VIEW retrieval_matrix IS
    'Mean over seeds for each direction, of equal data, protocol and setting; trials of one seed are averaged first';
COMMENT ON COLUMN retrieval_matrix.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN retrieval_matrix.setting IS 'Hash of network, training and precision; equal in each row';
COMMENT ON COLUMN retrieval_matrix.mean IS 'Of the trained descriptors, over seeds';
COMMENT ON COLUMN retrieval_matrix.sd IS 'Standard deviation over seeds; NULL with one';
COMMENT ON COLUMN retrieval_matrix.seeds IS 'How many';
COMMENT ON COLUMN retrieval_matrix.untrained_mean IS 'Of the same networks before any step';
COMMENT ON COLUMN retrieval_matrix.chance_mean IS 'Of a random order';

COMMENT ON VIEW leaderboard IS
    'Cross-sensor mean (S1 to S2 and S2 to S1) over seeds for each candidate, of equal data, protocol and setting. '
    'Differences below the noise between seeds mean nothing: see csmae-bench recommend';
COMMENT ON COLUMN leaderboard.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN leaderboard.setting IS 'Hash of network, training and precision; equal in each row';
COMMENT ON COLUMN leaderboard.metric IS 'f1_of_means: the F1 that the paper''s code prints; partner_recall needs no labels';
COMMENT ON COLUMN leaderboard.mean IS 'Of the trained descriptors, over both directions and all seeds';
COMMENT ON COLUMN leaderboard.sd IS 'Standard deviation over seeds; NULL with one';
COMMENT ON COLUMN leaderboard.seeds IS 'How many';
COMMENT ON COLUMN leaderboard.untrained_mean IS 'Of the same networks before any step';
COMMENT ON COLUMN leaderboard.chance_mean IS 'Of a random order';
COMMENT ON COLUMN leaderboard.parameters IS 'Trainable parameters';
COMMENT ON COLUMN leaderboard.pairs_per_second IS
    'Trained, median over seeds; NULL when the trials come from several machines or devices';

COMMENT ON VIEW failures IS 'Trials that did not complete, cancelled ones included';
COMMENT ON COLUMN failures.cause IS 'In words';
