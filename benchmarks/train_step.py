"""Times a training step of ours against the plain one that the public code makes, side by side on this machine.

Run from the repository root: `python benchmarks/train_step.py`. Images are noise: no time depends on what they show.
A round makes one step of each contender; ratios are taken within a round, so that other work on the machine, which
slows a whole round, changes them little. Both steps compute the same loss on the same masks; that is checked first.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from plain_step import plain_loss
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.profile import hardware
from bench.result import Precision
from bench.run.clock import Clock
from bench.run.embed import autocast
from bench.run.probe import matmul_flops
from models import cost
from models.checkpoint import released_state
from models.config import SENSORS, SIZES, VARIANTS, ModelConfig, Sensor, configure
from models.csmae import CSMAE, build

Images = dict[Sensor, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A way to make a training step."""

    variant: str
    name: str
    step: Callable[[], object]
    forward_flops: float
    """Per pair."""
    clock: Clock


def plain(model: CSMAE, images: Images, noise: Images) -> tuple[Callable[[], Tensor], Callable[[], object], float]:
    """The plain loss of a copy of this model, a training step of it, and its forward FLOPs per pair."""
    weights = {
        name: tensor.clone().requires_grad_(not name.endswith("pos_embed"))
        for name, tensor in released_state(model).items()
    }
    trained = [tensor for tensor in weights.values() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.05, foreach=False, fused=False)

    def loss() -> Tensor:
        return plain_loss(weights, images, noise, model.config)

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(loss())
        optimizer.step()

    with FlopCounterMode(display=False) as counter:
        loss()
    return loss, step, counter.get_total_flops() / len(images["s1"])


def ours(model: CSMAE, images: Images, noise: Images, precision: Precision) -> Callable[[], object]:
    """Our training step in this arithmetic."""
    optimizer = torch.optim.AdamW(model.parameter_groups(0.05), lr=1e-4, fused=True)
    device = images["s1"].device

    def step() -> None:
        with autocast(device, precision):
            losses = model(images, noise)
        losses.total.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def contenders(variant: str, config: ModelConfig, given: argparse.Namespace) -> Iterator[Contender]:
    """The plain step and ours, after checking that their losses are equal."""
    device = torch.device(given.device)
    random = torch.Generator().manual_seed(0)
    pixels = config.image_pixels
    images: Images = {
        sensor: torch.randn(given.batch, config.bands[sensor], pixels, pixels, generator=random).to(device)
        for sensor in SENSORS
    }
    noise: Images = {s: torch.rand(given.batch, config.patches, generator=random).to(device) for s in SENSORS}
    model = build(config, seed=0).to(device)
    plain_total, plain_step, plain_flops = plain(model, images, noise)
    with torch.no_grad():
        expected, found = plain_total().item(), model(images, noise).total.item()
    assert abs(found / expected - 1) < 1e-4, f"{variant}: the plain loss is {expected}, ours {found}"
    yield Contender(variant=variant, name="plain fp32", step=plain_step, forward_flops=plain_flops, clock=Clock(device))
    for precision in given.precisions:
        step = ours(model, images, noise, precision)
        flops = cost.forward_flops(config)
        yield Contender(variant=variant, name=f"ours {precision}", step=step, forward_flops=flops, clock=Clock(device))


def precisions(device: torch.device, wish: str) -> tuple[Precision, ...]:
    """float32 always; bfloat16 where wished, or where its matrix products are the faster ones."""
    flops: dict[Precision, float] = {name: matmul_flops(device, name) for name in ("fp32", "bf16")}
    print("matrix products, GFLOP/s: " + ", ".join(f"{name} {rate / 1e9:.3g}" for name, rate in flops.items()))
    half = {"auto": flops["bf16"] > flops["fp32"], "fp32": False, "bf16": True}[wish]
    return ("fp32", "bf16") if half else ("fp32",)


def rounds(field: list[Contender], seconds: float) -> None:
    """One step of each to warm up, then rounds for this long, three at least; the laps stay in the clocks."""
    for contender in field:
        contender.step()
    start = perf_counter()
    while perf_counter() - start < seconds or len(field[-1].clock.laps) < 3:
        for contender in field:
            with contender.clock.lap():
                contender.step()


def table(field: list[Contender], pairs: int) -> Iterator[str]:
    """A line for each contender: its rate, and time and FLOPs as shares of the plain step of its variant."""
    spread = f"{'slowest':>9}{'fastest':>9}"
    yield f"{'':<18}{'pairs/s':>9}{spread}{'times plain':>13}{spread}{'by FLOPs':>10}"
    reference = field[0]
    for contender in field:
        if contender.name.startswith("plain"):
            reference = contender
        rates = sorted(pairs / lap for lap in contender.clock.laps)
        gains = sorted(a / b for a, b in zip(reference.clock.laps, contender.clock.laps, strict=True))
        numbers = f"{median(rates):>9.2f}{rates[0]:>9.2f}{rates[-1]:>9.2f}"
        numbers += f"{median(gains):>13.2f}{gains[0]:>9.2f}{gains[-1]:>9.2f}"
        saved = reference.forward_flops / contender.forward_flops
        yield f"{contender.variant:<6}{contender.name:<12}{numbers}{saved:>10.2f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    published = [name for name, row in VARIANTS.items() if not row.baseline]
    parser.add_argument("--variants", nargs="+", choices=published, default=["cecd", "sesd"])
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--batch", type=int, default=32, help="pairs in a step")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="of ours, beside fp32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=120.0, help="for all rounds")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else hardware.probe().cpu_name
    print(f"{machine} ({torch.backends.cpu.get_cpu_capability()}), {given.threads} threads, torch {torch.__version__}")
    given.precisions = precisions(device, given.precision)
    field: list[Contender] = []
    for variant in given.variants:
        config = configure(variant, given.size, bands={"s1": 2, "s2": 10}, image_pixels=120)
        field += contenders(variant, config, given)
    rounds(field, given.seconds)
    print(f"{given.size}, {given.batch} pairs a step, synthetic images; medians of {len(field[0].clock.laps)} rounds")
    print("\n".join(table(field, given.batch)))


if __name__ == "__main__":
    main()
