DROP VIEW leaderboard;
DROP VIEW retrieval_matrix;
DROP VIEW trial_scores;
DROP VIEW learning_curves;

CREATE VIEW trial_settings AS
SELECT
    trial_id, outcome, data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs,
    left(md5(concat_ws(
        ' ', model, learning_rate, warmup_steps, decay_share, weight_decay, betas, precision
    )), 6) AS setting,
    seed,
    machine || ' ' || device AS measured_on
FROM trials;

CREATE VIEW trial_scores AS
SELECT
    g.trial_id, g.data, g.synthetic, g.fingerprint, g.protocol, g.train_pairs, g.variant, g.size, g.steps,
    g.batch_pairs, g.setting, g.seed,
    s.query,
    s.archive,
    s.metric,
    s.k,
    arg_max(s.value, s.step) FILTER (s.subject = 'trained') AS trained,
    arg_max(s.value, s.step) FILTER (s.subject = 'untrained') AS untrained,
    arg_max(s.value, s.step) FILTER (s.subject = 'band_statistics') AS band_statistics,
    arg_max(s.value, s.step) FILTER (s.subject = 'thumbnail') AS thumbnail,
    arg_max(s.value, s.step) FILTER (s.subject = 'chance') AS chance,
    t.parameters,
    t.pairs_per_second,
    g.measured_on
FROM trial_settings g
JOIN trials t USING (trial_id)
JOIN scores s USING (trial_id)
WHERE g.outcome = 'completed'
GROUP BY ALL
HAVING trained IS NOT NULL;

CREATE VIEW retrieval_matrix AS
WITH seeds AS (
    SELECT
        data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting, seed,
        query, archive, metric, k,
        avg(trained) AS trained,
        avg(untrained) AS untrained,
        avg(band_statistics) AS band_statistics,
        avg(thumbnail) AS thumbnail,
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
    avg(band_statistics) AS band_statistics_mean,
    avg(thumbnail) AS thumbnail_mean,
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
        avg(band_statistics) AS band_statistics,
        avg(thumbnail) AS thumbnail,
        avg(chance) AS chance
    FROM trial_scores
    WHERE query <> archive AND archive <> 'both'
    GROUP BY ALL
    HAVING count(*) = 2
),
seeds AS (
    SELECT
        data, synthetic, fingerprint, protocol, train_pairs, variant, size, steps, batch_pairs, setting, seed, metric, k,
        avg(trained) AS trained,
        avg(untrained) AS untrained,
        avg(band_statistics) AS band_statistics,
        avg(thumbnail) AS thumbnail,
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
    avg(band_statistics) AS band_statistics_mean,
    avg(thumbnail) AS thumbnail_mean,
    avg(chance) AS chance_mean,
    any_value(parameters) AS parameters,
    CASE WHEN min(first_machine) = max(last_machine) THEN median(pairs_per_second) END AS pairs_per_second
FROM seeds
GROUP BY ALL;

CREATE VIEW learning_curves AS
SELECT
    g.trial_id, g.data, g.synthetic, g.fingerprint, g.protocol, g.train_pairs, g.variant, g.size, g.batch_pairs,
    g.setting, g.seed, g.outcome, g.measured_on,
    r.step,
    r.step::BIGINT * g.batch_pairs AS pairs_seen,
    r.seconds,
    s.query,
    s.archive,
    s.metric,
    s.k,
    s.value
FROM trial_settings g
JOIN rungs r USING (trial_id)
JOIN scores s ON s.trial_id = g.trial_id AND s.step = r.step AND s.subject = 'trained';

COMMENT ON VIEW trial_settings IS 'One row a trial: what must be equal for it to be compared with another';
COMMENT ON COLUMN trial_settings.synthetic IS 'Whether the images were generated; say so wherever a score of it appears';
COMMENT ON COLUMN trial_settings.setting IS
    'Hash of network, training and precision; trials of equal setting and data differ by their seed alone';
COMMENT ON COLUMN trial_settings.measured_on IS 'Machine and device';

COMMENT ON VIEW trial_scores IS
    'One row a completed trial, direction, metric and k: the last score of each subject. Not averaged';
COMMENT ON COLUMN trial_scores.setting IS
    'Hash of network, training and precision; trials of equal setting and data differ by their seed alone';
COMMENT ON COLUMN trial_scores.archive IS 'Sensor of the archive: s1, s2, or both, when it mixes the images of both';
COMMENT ON COLUMN trial_scores.trained IS 'Last score of the trained descriptors';
COMMENT ON COLUMN trial_scores.untrained IS 'Score of the same network before any step';
COMMENT ON COLUMN trial_scores.band_statistics IS 'Score of the mean and deviation of each band';
COMMENT ON COLUMN trial_scores.thumbnail IS 'Score of the images shrunk to 8 x 8 grey pixels';
COMMENT ON COLUMN trial_scores.chance IS 'Score of a random order';
COMMENT ON COLUMN trial_scores.measured_on IS 'Machine and device';

COMMENT ON VIEW retrieval_matrix IS
    'Mean over seeds for each direction, of equal data, protocol and setting; trials of one seed are averaged first';
COMMENT ON COLUMN retrieval_matrix.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN retrieval_matrix.setting IS 'Hash of network, training and precision; equal in each row';
COMMENT ON COLUMN retrieval_matrix.archive IS 'Sensor of the archive: s1, s2, or both, when it mixes the images of both';
COMMENT ON COLUMN retrieval_matrix.metric IS
    'Higher is better, but for partner_median_rank, own_sensor_share and modality_gap';
COMMENT ON COLUMN retrieval_matrix.mean IS 'Of the trained descriptors, over seeds';
COMMENT ON COLUMN retrieval_matrix.sd IS 'Standard deviation over seeds; NULL with one';
COMMENT ON COLUMN retrieval_matrix.seeds IS 'How many';
COMMENT ON COLUMN retrieval_matrix.untrained_mean IS 'Of the same networks before any step';
COMMENT ON COLUMN retrieval_matrix.band_statistics_mean IS 'Of the mean and deviation of each band, without a network';
COMMENT ON COLUMN retrieval_matrix.thumbnail_mean IS 'Of the images shrunk to 8 x 8 grey pixels, without a network';
COMMENT ON COLUMN retrieval_matrix.chance_mean IS 'Of a random order';

COMMENT ON VIEW leaderboard IS
    'Cross-sensor mean (S1 to S2 and S2 to S1) over seeds for each candidate, of equal data, protocol and setting. '
    'Differences below the noise between seeds mean nothing: see csmae-bench recommend';
COMMENT ON COLUMN leaderboard.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN leaderboard.setting IS 'Hash of network, training and precision; equal in each row';
COMMENT ON COLUMN leaderboard.metric IS
    'f1_of_means: the F1 that the paper''s code prints; partner_recall needs no labels. Higher is better, but for '
    'partner_median_rank';
COMMENT ON COLUMN leaderboard.mean IS 'Of the trained descriptors, over both directions and all seeds';
COMMENT ON COLUMN leaderboard.sd IS 'Standard deviation over seeds; NULL with one';
COMMENT ON COLUMN leaderboard.seeds IS 'How many';
COMMENT ON COLUMN leaderboard.untrained_mean IS 'Of the same networks before any step';
COMMENT ON COLUMN leaderboard.band_statistics_mean IS 'Of the mean and deviation of each band, without a network';
COMMENT ON COLUMN leaderboard.thumbnail_mean IS 'Of the images shrunk to 8 x 8 grey pixels, without a network';
COMMENT ON COLUMN leaderboard.chance_mean IS 'Of a random order';
COMMENT ON COLUMN leaderboard.parameters IS 'Trainable parameters';
COMMENT ON COLUMN leaderboard.pairs_per_second IS
    'Trained, median over seeds; NULL when the trials come from several machines or devices';

COMMENT ON VIEW learning_curves IS
    'Score against length of training, in steps, pairs and seconds: one row a rung, direction, metric and k of a trial, '
    'however it ended. Not averaged';
COMMENT ON COLUMN learning_curves.synthetic IS 'Whether the images were generated; say so wherever the score appears';
COMMENT ON COLUMN learning_curves.setting IS
    'Hash of network, training and precision; trials of equal setting and data differ by seed and steps alone';
COMMENT ON COLUMN learning_curves.outcome IS 'How the trial ended; its rungs count whatever came later';
COMMENT ON COLUMN learning_curves.measured_on IS 'Machine and device; seconds of different ones do not compare';
COMMENT ON COLUMN learning_curves.step IS 'Training steps, those of the decay included';
COMMENT ON COLUMN learning_curves.pairs_seen IS 'Pairs trained on in these steps, each as often as it was seen';
COMMENT ON COLUMN learning_curves.seconds IS 'Training seconds that a trial of this many steps alone would have taken';
COMMENT ON COLUMN learning_curves.value IS 'Score of the trained descriptors, in the unit of its metric';
COMMENT ON COLUMN equal_seconds.archive IS 'Sensor of the archive: s1, s2, or both, when it mixes the images of both';
