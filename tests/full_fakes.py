"""A full training of the smallest network, run in this process."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from toys import TOY

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.full.plan import FullPlan
from bench.full.story import Story
from bench.full.wire import FullEvent
from bench.profile.dataset import data_use, profile_dataset
from bench.result import Candidate
from bench.run.stop import StopRequest
from models.config import ModelConfig

SOURCE = "synthetic:train=20,query=3,archive=5,pixels=16"


def toy_full(root: Path) -> FullPlan:
    """Three epochs of five steps on a handful of synthetic pairs, decoded under this folder."""
    with closing(open_pairs(SOURCE)) as pairs:
        folder = cache.prepare(pairs, root=root).folder
        data = data_use(profile_dataset(pairs))
    return FullPlan(
        candidate=Candidate(variant="secd", size="nano"),
        model=ModelConfig(
            encoder="specific",
            decoder="common",
            size=TOY,
            bands={"s1": 2, "s2": 10},
            image_pixels=16,
            patch_pixels=4,
        ),
        data=data,
        source=SOURCE,
        cache=str(folder),
        precision="fp32",
        devices=("cpu",),
        threads=1,
        epochs=3,
        batch_pairs=4,
        learning_rate=1e-3,
        warmup_epochs=1,
    )


def told(
    plan: FullPlan,
    folder: Path,
    *,
    stop_at: Callable[[FullEvent], bool] = lambda _: False,
    limit_steps: int | None = None,
    export_only: bool = False,
) -> list[FullEvent]:
    """All events of a training in a folder, from its newest checkpoint on.

    Args:
        stop_at: whether it is asked to end at this event.
    """
    events: list[FullEvent] = []
    stop = StopRequest()

    def tell(event: FullEvent) -> None:
        events.append(event)
        stop.asked = stop.asked or stop_at(event)

    folder.mkdir(exist_ok=True)
    Story(plan, folder, tell, stop).tell(limit_steps=limit_steps, export_only=export_only)
    return events
