CREATE TABLE schema_version (
    version INTEGER PRIMARY KEY,
    applied_at TIMESTAMP NOT NULL
);

CREATE TABLE runs (
    run_id VARCHAR PRIMARY KEY,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    stopped VARCHAR,
    command VARCHAR NOT NULL,
    hardware JSON NOT NULL,
    dataset JSON NOT NULL,
    plan JSON NOT NULL
);

CREATE TABLE trials (
    trial_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    size VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    outcome VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    precision VARCHAR NOT NULL,
    threads INTEGER NOT NULL,
    k INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    steps_done INTEGER NOT NULL,
    batch_pairs INTEGER NOT NULL,
    learning_rate DOUBLE NOT NULL,
    warmup_steps INTEGER NOT NULL,
    decay_share DOUBLE NOT NULL,
    weight_decay DOUBLE NOT NULL,
    betas DOUBLE[] NOT NULL,
    model JSON NOT NULL,
    data VARCHAR NOT NULL,
    layout VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    synthetic BOOLEAN NOT NULL,
    labelled BOOLEAN NOT NULL,
    train_pairs BIGINT NOT NULL,
    query_pairs BIGINT NOT NULL,
    archive_pairs BIGINT NOT NULL,
    parameters BIGINT,
    step_seconds DOUBLE[] NOT NULL,
    train_seconds DOUBLE,
    embed_seconds DOUBLE,
    search_seconds DOUBLE,
    total_seconds DOUBLE,
    pairs_per_second DOUBLE,
    peak_memory_bytes BIGINT,
    peak_rss_bytes BIGINT,
    protocol INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    tool_version VARCHAR NOT NULL,
    commit VARCHAR,
    machine VARCHAR NOT NULL,
    versions JSON NOT NULL,
    command VARCHAR NOT NULL
);

CREATE TABLE losses (
    trial_id VARCHAR NOT NULL,
    lap INTEGER NOT NULL,
    step INTEGER NOT NULL,
    seconds DOUBLE NOT NULL,
    learning_rate DOUBLE NOT NULL,
    total DOUBLE NOT NULL,
    umr DOUBLE,
    cmr DOUBLE,
    mim DOUBLE,
    mde DOUBLE
);

CREATE TABLE scores (
    trial_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    subject VARCHAR NOT NULL,
    step INTEGER NOT NULL,
    query VARCHAR NOT NULL,
    archive VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    k INTEGER,
    value DOUBLE NOT NULL
);

CREATE TABLE query_scores (
    trial_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    query VARCHAR NOT NULL,
    archive VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    k INTEGER,
    values DOUBLE[] NOT NULL
);

COMMENT ON TABLE schema_version IS 'Migrations applied to this file';
COMMENT ON COLUMN schema_version.version IS 'Number of the migration';
COMMENT ON COLUMN schema_version.applied_at IS 'UTC';

COMMENT ON TABLE runs IS 'One row a run: where, on what and what for';
COMMENT ON COLUMN runs.started_at IS 'UTC';
COMMENT ON COLUMN runs.finished_at IS 'UTC; NULL while it runs, or when it was cut off';
COMMENT ON COLUMN runs.stopped IS 'Why it ended before its plan did; empty when it did not; NULL like finished_at';
COMMENT ON COLUMN runs.command IS 'What was run, home paths left out';
COMMENT ON COLUMN runs.hardware IS 'The machine as probed at the start';
COMMENT ON COLUMN runs.dataset IS 'Sizes, splits, bands and labels of the data set';
COMMENT ON COLUMN runs.plan IS 'Trials with predicted seconds, refusals with their reason, notes';

COMMENT ON TABLE trials IS 'One row a trial, however it ended; synthetic trials are flagged';
COMMENT ON COLUMN trials.run_id IS 'The run it belongs to';
COMMENT ON COLUMN trials.variant IS 'cecd, cesd, secd, sesd, or mae: the baseline of two networks that share nothing';
COMMENT ON COLUMN trials.size IS 'Widths and depths: nano, tiny, small, base, large';
COMMENT ON COLUMN trials.seed IS 'Of weights, masks and batches';
COMMENT ON COLUMN trials.outcome IS 'completed, out_of_memory, diverged, timed_out, cancelled or failed';
COMMENT ON COLUMN trials.cause IS 'Why it ended so, in words; empty when completed';
COMMENT ON COLUMN trials.device IS 'cpu or cuda:0';
COMMENT ON COLUMN trials.precision IS 'Arithmetic of the forward pass: fp32, bf16 or fp16';
COMMENT ON COLUMN trials.threads IS 'CPU threads of the trial';
COMMENT ON COLUMN trials.k IS 'Neighbours that count in its scores';
COMMENT ON COLUMN trials.steps IS 'Training steps planned';
COMMENT ON COLUMN trials.steps_done IS 'Training steps made';
COMMENT ON COLUMN trials.batch_pairs IS 'Pairs in a training step';
COMMENT ON COLUMN trials.learning_rate IS 'Highest of the schedule';
COMMENT ON COLUMN trials.warmup_steps IS 'Steps over which the learning rate rises';
COMMENT ON COLUMN trials.decay_share IS 'Share of the steps, at the end, over which the learning rate falls to zero';
COMMENT ON COLUMN trials.weight_decay IS 'On matrices only';
COMMENT ON COLUMN trials.betas IS 'Of AdamW';
COMMENT ON COLUMN trials.model IS 'Every choice that defines the network and its objective';
COMMENT ON COLUMN trials.data IS 'The data set as its owner calls it';
COMMENT ON COLUMN trials.layout IS 'How the data set is stored';
COMMENT ON COLUMN trials.fingerprint IS 'SHA-256 of the data set; same data, same string, wherever it lies';
COMMENT ON COLUMN trials.synthetic IS 'Whether the images were generated; say so wherever a score of them appears';
COMMENT ON COLUMN trials.labelled IS 'Whether pairs carry labels';
COMMENT ON COLUMN trials.train_pairs IS 'Pairs trained on';
COMMENT ON COLUMN trials.query_pairs IS 'Queries: the validation split';
COMMENT ON COLUMN trials.archive_pairs IS 'Searched pairs: the test split';
COMMENT ON COLUMN trials.parameters IS 'Trainable parameters';
COMMENT ON COLUMN trials.step_seconds IS 'Seconds a step, one value a lap (the mean of its steps), warm-up left out';
COMMENT ON COLUMN trials.train_seconds IS 'Training alone';
COMMENT ON COLUMN trials.embed_seconds IS 'Descriptors of both sensors, queries and archive';
COMMENT ON COLUMN trials.search_seconds IS 'Exact search';
COMMENT ON COLUMN trials.total_seconds IS 'From the start of its process to its end';
COMMENT ON COLUMN trials.pairs_per_second IS 'Trained, median over the laps';
COMMENT ON COLUMN trials.peak_memory_bytes IS 'Of the accelerator, by its allocator; NULL on a CPU';
COMMENT ON COLUMN trials.peak_rss_bytes IS 'Resident memory of its process';
COMMENT ON COLUMN trials.protocol IS 'Rules of measurement; compare equal ones only';
COMMENT ON COLUMN trials.started_at IS 'UTC';
COMMENT ON COLUMN trials.tool_version IS 'Version of csmae-advisor';
COMMENT ON COLUMN trials.commit IS 'Git commit of the tool, + when its tree was changed; NULL outside a checkout';
COMMENT ON COLUMN trials.machine IS 'Short hash of the hardware; equal machines share it';
COMMENT ON COLUMN trials.versions IS 'Of Python and the packages that can change a number';
COMMENT ON COLUMN trials.command IS 'What was run, home paths left out';

COMMENT ON TABLE losses IS 'The learning curve: mean loss of each lap';
COMMENT ON COLUMN losses.lap IS 'From 1';
COMMENT ON COLUMN losses.step IS 'At the end of the lap';
COMMENT ON COLUMN losses.seconds IS 'Training seconds so far, scoring not counted';
COMMENT ON COLUMN losses.learning_rate IS 'At the end of the lap';
COMMENT ON COLUMN losses.total IS 'The objective';
COMMENT ON COLUMN losses.umr IS 'Uni-modal reconstruction; NULL when not in the objective';
COMMENT ON COLUMN losses.cmr IS 'Cross-modal reconstruction; NULL when not in the objective';
COMMENT ON COLUMN losses.mim IS 'Mutual information maximisation; NULL when not in the objective';
COMMENT ON COLUMN losses.mde IS 'Inter-modal discrepancy elimination; NULL when not in the objective';

COMMENT ON TABLE scores IS 'Every number of every retrieval matrix';
COMMENT ON COLUMN scores.position IS 'Order within the trial';
COMMENT ON COLUMN scores.subject IS 'trained, untrained (the same network before any step) or chance';
COMMENT ON COLUMN scores.step IS 'Training steps made when it was measured';
COMMENT ON COLUMN scores.query IS 'Sensor of the query: s1 or s2';
COMMENT ON COLUMN scores.archive IS 'Sensor of the archive: s1 or s2';
COMMENT ON COLUMN scores.metric IS 'precision, recall, f1_of_means, mean_pairwise_f1, partner_recall or partner_mrr';
COMMENT ON COLUMN scores.k IS 'Neighbours looked at; NULL where the metric looks at all';
COMMENT ON COLUMN scores.value IS 'Between 0 and 1';

COMMENT ON TABLE query_scores IS 'One metric of the trained descriptors for each query';
COMMENT ON COLUMN query_scores.position IS 'Order within the trial';
COMMENT ON COLUMN query_scores.query IS 'Sensor of the query: s1 or s2';
COMMENT ON COLUMN query_scores.archive IS 'Sensor of the archive: s1 or s2';
COMMENT ON COLUMN query_scores.metric IS 'As in scores';
COMMENT ON COLUMN query_scores.k IS 'As in scores';
COMMENT ON COLUMN query_scores.values IS 'In the order of the query split';
