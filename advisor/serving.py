"""What searching the full archive costs, as far as is known for one candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.index.advise import advise, exact_cost
from bench.index.records import IndexNeed
from bench.plan.index import IndexMeasurement
from bench.profile.dataset import DatasetProfile
from bench.result import Candidate, TrialResult
from bench.units import gib
from models.config import SIZES

MEASURE: Final = "csmae-bench index measures what a query takes, and what other indexes would save and lose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is known of searching an archive that holds one image of every pair."""

    sentences: tuple[str, ...]
    measured: bool
    """On descriptors of the candidate; else a formula alone."""


def serving(
    chosen: Candidate,
    dataset: DatasetProfile | None,
    results: Sequence[TrialResult],
    measurements: Sequence[IndexMeasurement],
) -> Serving | None:
    """What searching with the chosen candidate costs; None where the data are not known.

    Args:
        results: whose trials the measurements are of.
        measurements: of any trials; those of the chosen candidate's newest measured trial count.
    """
    if dataset is None:
        return None
    items = sum(dataset.pairs.values())
    own = {trial.trial_id: trial.provenance.started_at for trial in results if trial.candidate == chosen}
    known = [m for m in measurements if m.trial_id in own]
    newest = max(known, key=lambda m: (own[m.trial_id], m.trial_id), default=None)
    found = advise([m for m in known if newest and m.trial_id == newest.trial_id], IndexNeed(items=items))
    if found is not None:
        return Serving(sentences=found.sentences, measured=True)
    width = SIZES[chosen.size].width
    size = gib(round(exact_cost(items, width).value))
    words = f"At {items:,} images and {width} dimensions exact search keeps {size} in memory; {MEASURE}"
    return Serving(sentences=(words,), measured=False)
