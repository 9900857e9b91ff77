"""Training by the published schedule, alone or together with other processes."""

from collections.abc import Iterator

from bench.data.cache import CachedSplit
from bench.full import reading
from bench.full.plan import FullPlan, learning_rate
from bench.full.ranks import Ranks
from bench.full.together import Together
from bench.run.embed import to_tensor
from bench.run.train import Images, Trainer
from models.config import SENSORS
from models.csmae import CSMAE
from models.losses import Losses


class FullTrainer(Trainer):
    """A trial's trainer with another rate and order of pairs, whose batches several processes can share."""

    def __init__(self, model: CSMAE, split: CachedSplit, plan: FullPlan, ranks: Ranks) -> None:
        super().__init__(
            model,
            split,
            plan.training,
            seed=plan.seed,
            device=ranks.device,
            precision=plan.precision,
            micro_batches=min(plan.micro_batches, plan.batch_pairs // ranks.count),
            # one process alone cannot choose: the others would wait for it
            may_split=ranks.count == 1,
        )
        self._share = ranks.share(plan.batch_pairs)
        self._together = Together(model, ranks) if ranks.count > 1 else None

        def read(skip: int = 0) -> Iterator[Images]:
            for images in reading.batches(split, plan.batch_pairs, plan.seed, share=self._share, skip=skip):
                yield {sensor: to_tensor(images[sensor], ranks.device) for sensor in SENSORS}

        self._from = read
        self._batches = read()

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        return learning_rate(step, self.training)

    def _attempt(self) -> Losses:
        if self._together is None:
            return super()._attempt()
        images = next(self._batches)
        # drawn for the whole batch by every process, so that no mask depends on their number
        noise = self.model.draw_noise(self.training.batch_pairs, self._noise)
        return self._together.gradients(
            images,
            {sensor: noise[sensor][self._share] for sensor in SENSORS},
            micro_batches=self.micro_batches,
            arithmetic=self._arithmetic,
            scale=self._scaler.scale,
        )
