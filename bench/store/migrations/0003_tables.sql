ALTER TABLE runs ADD COLUMN holder JSON;
ALTER TABLE runs ADD COLUMN heartbeat_at TIMESTAMP;

ALTER TABLE trials ADD COLUMN peak_reserved_bytes BIGINT;
ALTER TABLE trials ADD COLUMN energy_joules DOUBLE;
ALTER TABLE trials ADD COLUMN micro_batches INTEGER DEFAULT 1;
ALTER TABLE trials ADD COLUMN marks VARCHAR[] DEFAULT [];
ALTER TABLE trials ADD COLUMN retry_of VARCHAR;

CREATE TABLE running (
    trial_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    plan JSON NOT NULL,
    provenance JSON NOT NULL
);

CREATE TABLE rungs (
    trial_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    step INTEGER NOT NULL,
    seconds DOUBLE NOT NULL
);

CREATE TABLE predictions (
    trial_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    quantity VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    low DOUBLE NOT NULL,
    high DOUBLE NOT NULL,
    source VARCHAR NOT NULL,
    basis VARCHAR NOT NULL
);

CREATE TABLE batch_edges (
    machine VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    precision VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    size VARCHAR NOT NULL,
    model JSON NOT NULL,
    batch_pairs INTEGER NOT NULL,
    fits BOOLEAN NOT NULL,
    cause VARCHAR NOT NULL,
    peak_bytes BIGINT,
    memory_limit_bytes BIGINT,
    steps INTEGER NOT NULL,
    seconds DOUBLE NOT NULL,
    measured_at TIMESTAMP NOT NULL,
    tool_version VARCHAR NOT NULL,
    protocol INTEGER NOT NULL
);

-- a run that an older version left open was last heard of at the end of its last trial
UPDATE runs SET heartbeat_at = coalesce(
    (
        SELECT max(t.started_at + to_seconds(coalesce(t.total_seconds, 0)))
        FROM trials t
        WHERE t.run_id = runs.run_id
    ),
    started_at
)
WHERE finished_at IS NULL;

COMMENT ON COLUMN runs.finished_at IS
    'UTC; NULL while it runs. Of a run that was cut off: when it was last heard of, set by the next run';
COMMENT ON COLUMN runs.stopped IS
    'Why it ended before its plan did ("interrupted: ..." when it was cut off); empty when it did not; NULL while it runs';
COMMENT ON COLUMN runs.holder IS 'The process that conducts it, hosts as hashes; NULL when it has ended';
COMMENT ON COLUMN runs.heartbeat_at IS 'UTC; when that process last said that it lives; NULL when it has ended';

COMMENT ON COLUMN trials.outcome IS
    'completed, out_of_memory, diverged, timed_out, cancelled, interrupted (cut off together with its run) or failed';
COMMENT ON COLUMN trials.peak_reserved_bytes IS
    'Of the accelerator, held by its allocator whether used or not; NULL on a CPU';
COMMENT ON COLUMN trials.energy_joules IS
    'Of the accelerator, idle power included, from the trial''s start to its end; NULL where none is told';
COMMENT ON COLUMN trials.micro_batches IS
    'Parts that each batch was trained in because the whole did not fit; the optimiser''s step stays the same';
COMMENT ON COLUMN trials.marks IS 'What disturbed the measurement, a sentence each; empty when nothing did';
COMMENT ON COLUMN trials.retry_of IS 'The trial that this one repeats with another setting; NULL when it repeats none';

COMMENT ON TABLE running IS 'Trials that a run has in hand; each leaves when its result comes';
COMMENT ON COLUMN running.number IS 'From 1, within the run';
COMMENT ON COLUMN running.started_at IS 'UTC';
COMMENT ON COLUMN running.plan IS 'The trial, complete: its process needs nothing else';
COMMENT ON COLUMN running.provenance IS 'Machine, versions and command, for the row of a trial that is cut off';

COMMENT ON TABLE rungs IS 'Lengths of training at which a trial was scored, the learning rate decayed as at its end';
COMMENT ON COLUMN rungs.position IS 'Order within the trial, the shortest first';
COMMENT ON COLUMN rungs.step IS 'Training steps, those of the decay included';
COMMENT ON COLUMN rungs.seconds IS 'Training seconds that a trial of this many steps alone would have taken';

COMMENT ON TABLE predictions IS 'What was said of a trial before it ran; estimate_audit sets it beside the measurement';
COMMENT ON COLUMN predictions.position IS 'Order within the trial';
COMMENT ON COLUMN predictions.quantity IS 'The column of trials that it predicts; of step_seconds the median';
COMMENT ON COLUMN predictions.value IS 'Bytes or seconds';
COMMENT ON COLUMN predictions.low IS 'Lower end of the interval that is meant to hold in 95 % of cases';
COMMENT ON COLUMN predictions.high IS 'Upper end of it';
COMMENT ON COLUMN predictions.source IS
    'measured (here), calibrated (a formula fitted to measurements here) or prior (a formula alone)';
COMMENT ON COLUMN predictions.basis IS 'What the number rests on, in words';

COMMENT ON TABLE batch_edges IS 'Batch sizes that were tried with real steps, those that fit and those that do not';
COMMENT ON COLUMN batch_edges.machine IS 'Short hash of the hardware; equal machines share it';
COMMENT ON COLUMN batch_edges.device IS 'cpu or cuda:0';
COMMENT ON COLUMN batch_edges.precision IS 'Arithmetic of the forward pass: fp32, bf16 or fp16';
COMMENT ON COLUMN batch_edges.variant IS 'As in trials';
COMMENT ON COLUMN batch_edges.size IS 'As in trials';
COMMENT ON COLUMN batch_edges.model IS 'Every choice that defines the network and its objective';
COMMENT ON COLUMN batch_edges.batch_pairs IS 'Pairs in a training step';
COMMENT ON COLUMN batch_edges.fits IS 'Whether every step was made, the optimiser''s state and an embedding pass included';
COMMENT ON COLUMN batch_edges.cause IS 'Why it does not fit, in words; empty when it does';
COMMENT ON COLUMN batch_edges.peak_bytes IS
    'Of the accelerator by its allocator, of the process on a CPU; NULL when not measured';
COMMENT ON COLUMN batch_edges.memory_limit_bytes IS
    'Where the process would have been stopped; NULL: at the system''s own limit';
COMMENT ON COLUMN batch_edges.steps IS 'Training steps made';
COMMENT ON COLUMN batch_edges.seconds IS 'From the start of the process to its end';
COMMENT ON COLUMN batch_edges.measured_at IS 'UTC';
COMMENT ON COLUMN batch_edges.tool_version IS 'Version of csmae-advisor';
COMMENT ON COLUMN batch_edges.protocol IS 'Rules of measurement; compare equal ones only';
