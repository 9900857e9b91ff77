"""What decides a result: the allow-lists behind "this was trained before" and "this can be gone on with"."""

import hashlib

import msgspec

from bench.plan.plan import TrialPlan
from bench.result import PROTOCOL


def trunk_key(plan: TrialPlan) -> str:
    """The same for trainings that are one until the learning rate falls: the longer can go on from the shorter.

    Counted is what changes the weights: network, schedule but for its length, seed, pairs, arithmetic and protocol. Not
    counted are device, threads, folders, time limits, micro-batches and how many neighbours are scored.
    """
    training = plan.training
    return _hash(
        PROTOCOL,
        plan.model,
        plan.seed,
        plan.data.fingerprint,
        plan.data.train_pairs,
        plan.precision,
        training.batch_pairs,
        training.learning_rate,
        training.warmup_steps,
        training.weight_decay,
        training.betas,
    )


def result_key(plan: TrialPlan) -> str:
    """The same for trials that give the same scores: that of the trunk, its length and decay, and what is scored."""
    return _hash(
        trunk_key(plan),
        plan.training.steps,
        plan.training.decay_share,
        plan.k,
        plan.data.query_pairs,
        plan.data.archive_pairs,
    )


def _hash(*parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:32]
