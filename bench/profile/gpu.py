"""The GPUs that torch will see, each by itself, made of what the driver answered."""

from dataclasses import dataclass
from typing import Final

from bench.profile.nvml import Answers, Card

_SLOWDOWNS: Final = {
    0x002: "clocks set lower by hand",
    0x004: "power limit",
    0x008: "the hardware's emergency brake",
    0x010: "clocks held equal to another GPU's",
    0x020: "heat",
    0x040: "heat, near damage",
    0x080: "power supply",
    0x200: "the board's limit",
    0x400: "voltage reliability",
}
"""Bits of `nvmlClocksThrottleReasons`; an idle GPU (0x001) and a display's clock (0x100) are no slowdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One accelerator as NVML tells of it."""

    index: int
    """As torch counts under CUDA_DEVICE_ORDER=PCI_BUS_ID: "cuda:0" is 0."""
    name: str
    memory_total_bytes: int | None
    memory_free_bytes: int | None
    """Free now: other processes count."""
    compute_capability: str | None
    """As "9.0"."""
    driver: str | None
    power_limit_watts: float | None = None
    mig: bool | None = None
    """True: this is an instance, a part of a card with memory of its own."""
    other_processes: int | None = None
    """Processes that are not ours and compute on it now; None inside a container, which cannot see them."""
    other_processes_bytes: int | None = None
    """Memory that those hold."""
    slowdowns: tuple[str, ...] | None = None
    """Why its clock was below the maximum, in words."""
    energy_counter: bool | None = None
    """Whether it counts the energy it uses; None: nobody asked."""

    @property
    def tensor_precisions(self) -> tuple[str, ...] | None:
        """Arithmetic that its matrix units have, from the compute capability; None: unknown."""
        if self.compute_capability is None:
            return None
        capability = tuple(map(int, self.compute_capability.split(".")))
        return (("fp16",) if capability >= (7, 0) else ()) + (("bf16", "tf32") if capability >= (8, 0) else ())


def visible_gpus(
    answers: Answers, chosen: str | None, *, sees_all_processes: bool | None
) -> tuple[tuple[Gpu, ...], str]:
    """The GPUs that torch will see, in its order, or why there are none.

    Args:
        chosen: the value of CUDA_VISIBLE_DEVICES.
        sees_all_processes: whether the processes told of are all there are.
    """
    if answers.error is not None:
        silent = f"the NVIDIA driver does not answer: {answers.error}"
        return (), silent if answers.error else "no NVIDIA driver"
    if not answers.cards:
        return (), "the NVIDIA driver finds no GPU"
    places = visible(answers.cards, chosen)
    if places:
        return tuple(
            _gpu(index, answers, place, sees_all_processes=sees_all_processes) for index, place in enumerate(places)
        ), ""
    if chosen is not None:
        return (), f"CUDA_VISIBLE_DEVICES={chosen} names none of the GPUs ({len(answers.cards)})"
    return (), "MIG is on and has no instance (nvidia-smi mig -cgi makes one)"


Place = tuple[int, int | None]
"""Number of a card, and of its MIG instance where it has any."""


def visible(cards: tuple[Card, ...], chosen: str | None) -> tuple[Place, ...]:
    """Where the GPUs are that CUDA shows, in its order.

    CUDA names cards by number or by the start of their UUID, stops at the first name it does not know, and shows a
    process no more than one MIG instance, the first.
    """
    words = [str(number) for number in range(len(cards))] if chosen is None else map(str.strip, chosen.split(","))
    shown: list[Place] = []
    for word in words:
        found = _named(cards, word)
        if found is None:
            break
        if not (found and found[0][1] is not None and any(instance is not None for _, instance in shown)):
            shown += found[:1]
    return tuple(shown)


def _named(cards: tuple[Card, ...], word: str) -> list[Place] | None:
    """What a word of CUDA_VISIBLE_DEVICES names: a card, the instances of one, or nothing (None)."""
    instances = [
        (number, index)
        for number, card in enumerate(cards)
        for index, instance in enumerate(card.instances)
        if word.startswith("MIG-") and str(instance.uuid).startswith(word)
    ]
    numbers = [
        number
        for number, card in enumerate(cards)
        if word == str(number) or (word.startswith("GPU-") and str(card.uuid).startswith(word))
    ]
    if len(instances) + len(numbers) != 1:
        return None
    if instances:
        return list(instances)
    (number,) = numbers
    if cards[number].mig_mode != 1:
        return [(number, None)]
    return [(number, index) for index in range(len(cards[number].instances))]


def slowdown_words(bits: int) -> tuple[str, ...]:
    """Why a clock is below its maximum."""
    return tuple(words for bit, words in _SLOWDOWNS.items() if bits & bit)


def _gpu(index: int, answers: Answers, place: Place, *, sees_all_processes: bool | None) -> Gpu:
    number, instance = place
    card = whole = answers.cards[number]
    if instance is not None:
        card = whole.instances[instance]
    others = None
    if sees_all_processes and card.processes is not None:
        others = [process.memory_bytes for process in card.processes if not process.ours]
    capability = card.compute_capability or whole.compute_capability
    return Gpu(
        index=index,
        name=card.name or "unknown GPU",
        memory_total_bytes=card.memory_total_bytes,
        memory_free_bytes=card.memory_free_bytes,
        compute_capability=capability and "{}.{}".format(*capability),
        driver=answers.driver,
        power_limit_watts=None if card.power_limit_milliwatts is None else card.power_limit_milliwatts / 1000,
        mig=None if whole.mig_mode is None else instance is not None,
        other_processes=None if others is None else len(others),
        other_processes_bytes=_sum(others),
        slowdowns=None if whole.slowdown_bits is None else slowdown_words(whole.slowdown_bits),
        energy_counter=card.energy_millijoules is not None,
    )


def _sum(sizes: list[int | None] | None) -> int | None:
    """Of all; unknown as soon as one is."""
    known = [size for size in sizes or () if size is not None]
    return sum(known) if sizes is not None and len(known) == len(sizes) else None
