"""The guideline as data: each rule with its wording, its source and how sure we are of it.

The paper promises a guideline; its own wording and thresholds could not be read. What stands here is what the released
material supports, and says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from advisor.belief import Lean, Part
from bench.units import gib
from models import cost
from models.config import Sensor, configure

Certainty = Literal["verbatim", "code", "recomputed", "paraphrase", "inference", "recollection"]
"""How a rule is known: the grades V, C, R, P, I and M of our notes on the method."""

GRADES: Final = {
    "verbatim": "seen in the released material",
    "code": "read in the released code",
    "recomputed": "recomputed from primary data",
    "paraphrase": "known from a third party's paraphrase",
    "inference": "our inference, consistent with the released material",
    "recollection": "recollection, nothing confirms it",
}
"""How a rule's certainty is put."""

Question = Literal["encoder", "decoder", "losses", "masking", "pooling", "depth", "compute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what it answers, where it applies, where it comes from."""

    question: Question
    answer: str
    """What to choose: "specific", "common", or a setting in words."""
    applies: str
    """When, in words."""
    wording: str
    """The rule as we can support it; never presented as the paper's own sentence unless it is one."""
    source: str
    certainty: Certainty
    ours: bool
    """Whether the threshold or the wording is our reconstruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the rules say for one archive and machine about one question."""

    question: Part
    answer: Literal["common", "specific"] | None
    """None: the rules have no opinion here."""
    why: str
    """With the number that decides it: "512 training pairs are fewer than 7,761"."""
    rules: tuple[Rule, ...]


FEW_PAIRS: Final = 7_761
"""Training pairs of BEN-14K, the smaller of the two archives that the paper studies."""

MANY_PAIRS: Final = 139_423
"""Training pairs of BEN-270K, the larger one."""

PAPER_PIXELS: Final = 120

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        question="encoder",
        answer="specific",
        applies=f"{MANY_PAIRS:,} training pairs or more, and memory for it",
        wording="With enough pairs and memory the specific encoder has the highest capacity and the best results: SECD "
        "best across sensors, SESD called best at first publication, specific encoders 0.3 to 1.5 mAP points ahead "
        "when the released weights classify S1 images.",
        source="third-party notes on the paper; the authors' repository jakhac/CSMAE; independent comparison in "
        "kleincode/CSMAE",
        certainty="inference",
        ours=True,
    ),
    Rule(
        question="encoder",
        answer="common",
        applies=f"{FEW_PAIRS:,} training pairs or fewer, or too little memory for the specific encoder",
        wording="With few pairs or little memory take the common encoder: CECD has 54 % and CESD 66 % of SESD's "
        "parameters. That few pairs favour it is unconfirmed.",
        source="the paper as remembered; a third-party summary of it; parameter counts of the released code",
        certainty="recollection",
        ours=True,
    ),
    Rule(
        question="decoder",
        answer="common",
        applies="always",
        wording="Common and specific decoders differ little; beside ViT-B the common one saves 25.6 M parameters.",
        source="third-party notes on the paper; independent comparison in kleincode/CSMAE; parameter counts of the "
        "released code",
        certainty="inference",
        ours=True,
    ),
    Rule(
        question="losses",
        answer="UMR + CMR + MIM",
        applies="cross-sensor retrieval",
        wording="Use both reconstructions and MIM; without a latent loss cross-sensor F1@10 falls by 4 to 9 points.",
        source="released cfg files (UMR, CMR, MIM on, MDE off); the points from third-party notes on the paper",
        certainty="paraphrase",
        ours=False,
    ),
    Rule(
        question="masking",
        answer="random, ratio 0.5",
        applies="always",
        wording="Mask the two sensors independently and hide half of the patches.",
        source="released cfg files; how much it matters is not known",
        certainty="verbatim",
        ours=False,
    ),
    Rule(
        question="pooling",
        answer="mean of the patch tokens",
        applies="always",
        wording="For retrieval the mean of the patch tokens is better than the CLS token.",
        source="third-party notes on the paper; released cfg files",
        certainty="paraphrase",
        ours=False,
    ),
    Rule(
        question="depth",
        answer="10 specific and 2 shared blocks, or 12 shared",
        applies="ViT-B with a specific, or a common, encoder",
        wording="The released weights have 10 specific and 2 shared blocks with a specific encoder, 12 shared ones "
        "with a common encoder.",
        source="released cfg files (the repository's own yaml has the two depths of the common encoder swapped)",
        certainty="verbatim",
        ours=False,
    ),
    Rule(
        question="compute",
        answer="equal for all four variants",
        applies="FLOPs as the public code spends them",
        wording="Each image passes 12 encoder blocks in every variant; variants differ in memory, not in FLOPs.",
        source="FLOP counter on the authors' code",
        certainty="recomputed",
        ours=False,
    ),
)


def opinions(*, train_pairs: int, memory_bytes: int | None, bands: Mapping[Sensor, int]) -> tuple[Opinion, ...]:
    """What the rules say for this archive and machine about encoder and decoder.

    Args:
        memory_bytes: what a full training of the paper's ViT-B may use; None: unknown, so not looked at.
        bands: channels of each sensor.
    """
    return (
        _encoder(train_pairs, memory_bytes, bands),
        Opinion(
            question="decoder",
            answer="common",
            why="they differ little, and the common one has fewer parameters",
            rules=_rules("decoder"),
        ),
    )


LEANS: Final[dict[Certainty, float]] = {"inference": 0.005, "recollection": 0.0025}
"""Points (as shares) by which a preferred encoder is expected to be ahead, by how sure the rule is. Ours: half a point
where published comparisons stand behind it, which lie between 0.3 and 1.5, half of that for what is only remembered."""


def leans(held: Sequence[Opinion]) -> tuple[Lean, ...]:
    """What the opinions expect of specific minus common: nothing for the decoder, whose kinds "differ little"."""
    return tuple(
        Lean(part="encoder", mean=LEANS[opinion.rules[0].certainty] * (1 if opinion.answer == "specific" else -1))
        for opinion in held
        if opinion.question == "encoder" and opinion.answer
    )


def _encoder(train_pairs: int, memory_bytes: int | None, bands: Mapping[Sensor, int]) -> Opinion:
    common, specific = (
        cost.state_bytes(configure(variant, "base", bands=dict(bands), image_pixels=PAPER_PIXELS))
        for variant in ("cecd", "secd")
    )
    answer: Literal["common", "specific"]
    # where not even the common encoder fits, memory says nothing about which to take
    if memory_bytes is not None and common <= memory_bytes < specific:
        answer = "common"
        why = f"training SECD at ViT-B size keeps {gib(specific)} of state, the machine has {gib(memory_bytes)}"
    elif train_pairs <= FEW_PAIRS:
        answer, why = "common", f"{train_pairs:,} training pairs are few (our threshold: {FEW_PAIRS:,}, BEN-14K)"
    elif train_pairs >= MANY_PAIRS:
        answer, why = "specific", f"{train_pairs:,} training pairs are many (our threshold: {MANY_PAIRS:,}, BEN-270K)"
    else:
        return Opinion(
            question="encoder",
            answer=None,
            why=f"{train_pairs:,} training pairs lie between the two sizes that the paper studies "
            f"({FEW_PAIRS:,} and {MANY_PAIRS:,})",
            rules=_rules("encoder"),
        )
    return Opinion(question="encoder", answer=answer, why=why, rules=_rules("encoder", answer))


def _rules(question: Question, answer: str | None = None) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.question == question and answer in {None, rule.answer})
