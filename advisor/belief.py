"""What to believe of each candidate: the guideline as a prior on differences, short trials as likelihood. Pure numbers.

One Gaussian model, in points of the goal's score as shares (0.01 is one point). For candidates i, at the full training:

    full_i  = level + encoder * specific_encoder_i + decoder * specific_decoder_i + width * doublings_i + own_i
    trial_i = full_i + (the same four terms again, as what a short training distorts)
    score_i = trial_i + noise_i

`level` is free. Every other term is normal with the mean and deviation that `Model` gives; the noise is what the seeds
and the queries leave, as measured, the same queries for all candidates. Everything is linear, so that the posterior is
exact; only the probability to be best is drawn, always with the same draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bench.result import Candidate
from models.config import SIZES, VARIANTS

LEVEL_DEVIATION: Final = 10.0
"""Of the level that all candidates share: so wide that it says nothing of it."""

DRAWS: Final = 20_000
"""From the posterior, for the probability to be best: its standard error is below 0.4 %."""

QUANTILE: Final = 1.959964
"""Of the normal distribution, for 95 %."""

Part = Literal["encoder", "decoder"]

PARTS: Final[tuple[Part, ...]] = ("encoder", "decoder")

Relation = Literal["agree", "overruled", "outweighs", "silent"]
"""Trials and guideline lean the same way; the trials overrule it; it outweighs them; one of the two says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The numbers of the model, all of them ours. Shares: 0.01 is a point."""

    encoder_deviation: float = 0.010
    """Of specific minus common encoder, before anything is measured: published differences are 0.3 to 1.5 points."""
    decoder_deviation: float = 0.005
    """Of specific minus common decoder: "differ little"."""
    width_deviation: float = 0.020
    """Of the gain from a network twice as wide."""
    own_deviation: float = 0.005
    """Of what a candidate has for itself."""
    short_encoder: float = 0.008
    """How far a short training may distort the encoder's difference, at a tenth of the full length."""
    short_decoder: float = 0.005
    """The same for the decoder."""
    short_width: float = 0.020
    """The same for twice the width: large networks learn late."""
    short_own: float = 0.004
    """The same for a candidate alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lean:
    """What the guideline expects of one part: specific minus common."""

    part: Part
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Scores of candidates with the noise that is left in them."""

    candidates: tuple[Candidate, ...]
    scores: tuple[float, ...]
    """Mean over seeds, of each."""
    covariance: tuple[tuple[float, ...], ...]
    """Of seeds and queries: candidates x candidates."""
    share_of_full: float
    """Training pairs shown in a trial over those of the full training, above 0 and at most 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What is expected of one candidate at the full training, beside the mean of all."""

    candidate: Candidate
    advantage: float
    """Expected score minus the mean of all candidates' expected scores."""
    low: float
    high: float
    """Ends of the 95 % interval of the advantage."""
    probability_best: float
    measured_share: float
    """Of what was uncertain before the trials, how much they have settled: 0 is guideline alone, 1 trials alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBelief:
    """What is believed of one part: specific minus common, at the full training."""

    part: Part
    prior: float
    """What the guideline expects."""
    trials: float | None
    """What the trials alone would say; None when they hold no two kinds of it."""
    mean: float
    low: float
    high: float
    """Both together, with the 95 % interval."""
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """All candidates, the most likely best first."""

    beliefs: tuple[Belief, ...]
    parts: tuple[PartBelief, ...]
    model: Model
    share_of_full: float | None
    """As in `Measured`; None without measurements."""


def believe(
    candidates: Sequence[Candidate], leans: Sequence[Lean], measured: Measured | None, model: Model = Model()
) -> Posterior:
    """The posterior over candidates, measured or not; equal arguments in any order, equal answers.

    Args:
        leans: of the guideline; a part without one has the mean 0.
        measured: may lack some of the candidates; None without any trial.
    """
    names = sorted(set(candidates) | set(measured.candidates if measured else ()))
    design_CT = np.array([_terms(candidate, names) for candidate in names])
    lean = {item.part: item.mean for item in leans}
    means_T = np.array([0.0, lean.get("encoder", 0.0), lean.get("decoder", 0.0), 0.0])
    spread_T = np.array([LEVEL_DEVIATION, model.encoder_deviation, model.decoder_deviation, model.width_deviation])
    # the unknowns: four effects, then what each candidate has for itself
    prior_mean = np.concatenate((means_T, np.zeros(len(names))))
    prior_cov = np.diag(np.concatenate((spread_T, np.full(len(names), model.own_deviation))) ** 2)
    to_full = np.hstack((design_CT, np.eye(len(names))))
    mean, cov = prior_mean, prior_cov
    if measured:
        mean, cov = _update(prior_mean, prior_cov, to_full, names, measured=measured, model=model)
    centre = np.eye(len(names)) - 1 / len(names)
    contrast = centre @ to_full
    advantage, spread = contrast @ mean, contrast @ cov @ contrast.T
    before = np.diag(contrast @ prior_cov @ contrast.T)
    deviation = np.sqrt(np.maximum(np.diag(spread), 0.0))
    best = _probability_best(advantage, spread)
    beliefs = [
        Belief(
            candidate=name,
            advantage=float(advantage[n]),
            low=float(advantage[n] - QUANTILE * deviation[n]),
            high=float(advantage[n] + QUANTILE * deviation[n]),
            probability_best=float(best[n]),
            measured_share=float(1 - spread[n, n] / before[n]) if measured and before[n] > 0 else 0.0,
        )
        for n, name in enumerate(names)
    ]
    order = sorted(range(len(names)), key=lambda n: (-best[n], -advantage[n], names[n]))
    return Posterior(
        beliefs=tuple(beliefs[n] for n in order),
        parts=tuple(_part(part, lean.get(part, 0.0), (mean, cov), measured, model) for part in PARTS),
        model=model,
        share_of_full=measured.share_of_full if measured else None,
    )


_COLUMNS: Final[Mapping[Part, int]] = {"encoder": 1, "decoder": 2}
"""Of the design, by part."""


def _terms(candidate: Candidate, names: Sequence[Candidate]) -> tuple[float, float, float, float]:
    """Level, specific encoder, specific decoder, doublings of the width above the narrowest."""
    row = VARIANTS[candidate.variant]
    narrowest = min(SIZES[name.size].width for name in names)
    doublings = log2(SIZES[candidate.size].width / narrowest)
    return 1.0, float(row.encoder == "specific"), float(row.decoder == "specific"), doublings


def stretch(share_of_full: float) -> float:
    """How much further than at a tenth of the full length a trial's order may be distorted: 0 at the full length."""
    return sqrt(max(0.0, -log2(share_of_full)) / log2(10))


def _update(
    prior_mean: NDArray[np.float64],
    prior_cov: NDArray[np.float64],
    to_full: NDArray[np.float64],
    names: Sequence[Candidate],
    *,
    measured: Measured,
    model: Model,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The unknowns given the scores."""
    rows = [names.index(candidate) for candidate in measured.candidates]
    seen = to_full[rows]
    noise = np.array(measured.covariance) + _distortion(seen[:, :4], measured, model)
    total = seen @ prior_cov @ seen.T + noise
    gain = np.linalg.solve(total, seen @ prior_cov).T
    mean = prior_mean + gain @ (np.array(measured.scores) - seen @ prior_mean)
    cov = prior_cov - gain @ seen @ prior_cov
    return mean, (cov + cov.T) / 2


def _distortion(design_MT: NDArray[np.float64], measured: Measured, model: Model) -> NDArray[np.float64]:
    """Covariance of what a short training distorts."""
    by = stretch(measured.share_of_full)
    spread_T = by * np.array([0.0, model.short_encoder, model.short_decoder, model.short_width])
    own = by * model.short_own
    return np.asarray(design_MT @ np.diag(spread_T**2) @ design_MT.T + own**2 * np.eye(len(design_MT)))


def _probability_best(means_C: NDArray[np.float64], cov_CC: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(cov_CC)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = means_C + np.random.default_rng(0).standard_normal((DRAWS, len(means_C))) @ root.T
    return np.bincount(draws.argmax(axis=1), minlength=len(means_C)) / DRAWS


def _part(
    part: Part,
    prior: float,
    posterior: tuple[NDArray[np.float64], NDArray[np.float64]],
    measured: Measured | None,
    model: Model,
) -> PartBelief:
    column = _COLUMNS[part]
    mean, deviation = float(posterior[0][column]), sqrt(max(0.0, float(posterior[1][column, column])))
    trials = _alone(column, measured, model) if measured else None
    relation: Relation = "silent"
    if trials is not None and prior:
        relation = "agree" if trials * prior > 0 else "overruled" if mean * prior < 0 else "outweighs"
    return PartBelief(
        part=part,
        prior=prior,
        trials=trials,
        mean=mean,
        low=mean - QUANTILE * deviation,
        high=mean + QUANTILE * deviation,
        relation=relation,
    )


def _alone(column: int, measured: Measured, model: Model) -> float | None:
    """The effect by generalised least squares on the scores alone; None where it cannot be told from the others."""
    design = np.array([_terms(candidate, measured.candidates) for candidate in measured.candidates])
    used = [c for c in range(design.shape[1]) if c == 0 or np.ptp(design[:, c]) > 0]
    if column not in used or np.linalg.matrix_rank(design[:, used]) < len(used):
        return None
    weights = np.linalg.inv(np.array(measured.covariance) + model.own_deviation**2 * np.eye(len(design)))
    kept = design[:, used]
    effects = np.linalg.solve(kept.T @ weights @ kept, kept.T @ weights @ np.array(measured.scores))
    return float(effects[used.index(column)])
