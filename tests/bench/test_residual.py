"""What measurements say of the next one."""

from math import exp, log

import numpy as np
import pytest

from bench.plan.residual import Correction, Observation, Residuals, Setting, Spread

SPREAD = Spread(machine=0.3, size=0.05, variant=0.03, setting=0.06, noise=0.05, probe=0.07)


def at(size: str = "nano", variant: str = "cecd", work: float = 1.0) -> Setting:
    return Setting(size=size, variant=variant, work=work)


def seen(setting: Setting, factor: float, noise: float = 0.05) -> Observation:
    return Observation(setting=setting, residual=log(factor), noise=noise)


def width(found: Correction) -> float:
    return found.high / found.low


def test_nothing_seen_corrects_nothing_and_is_as_wide_as_the_prior_says() -> None:
    found = Residuals(SPREAD).correction(at())
    assert found.factor == 1
    total = (0.3**2 + 0.05**2 + 0.03**2 + 0.06**2 + 0.05**2) ** 0.5
    assert found.high == pytest.approx(exp((1.96 + 2.4 / 10) * total))
    assert found.low == pytest.approx(1 / found.high)
    assert (found.seen, found.alike, found.same) == (0, 0, 0)


def test_the_correction_is_the_textbook_posterior() -> None:
    found = Residuals(SPREAD, [seen(at(work=2.0), 1.3)]).correction(at("tiny"))
    shared, own = 0.3**2, 0.3**2 + 0.05**2 + 0.03**2 + 0.06**2
    assert log(found.factor) == pytest.approx(shared / (own + 0.05**2) * log(1.3))
    variance = own - shared**2 / (own + 0.05**2) + 0.05**2
    assert log(found.high / found.factor) == pytest.approx((1.96 + 2.4 / 10) * variance**0.5)


def test_the_nearer_a_measurement_the_more_it_says() -> None:
    residuals = Residuals(SPREAD, [seen(at(), 1.3)])
    ladder = [at(), at(work=2.0), at(variant="sesd", work=2.0), at(size="tiny", work=2.0)]
    widths = [width(residuals.correction(setting)) for setting in ladder]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]
    assert [residuals.correction(setting).same for setting in ladder] == [1, 0, 0, 0]
    assert [residuals.correction(setting).alike for setting in ladder] == [1, 1, 1, 0]


def test_repeating_a_measurement_narrows_its_interval_and_takes_the_median() -> None:
    once = Residuals(SPREAD, [seen(at(), 1.3)]).correction(at())
    often = Residuals(SPREAD, [seen(at(), factor) for factor in (1.2, 1.3, 1.4, 1.3, 5.0)]).correction(at())
    assert width(often) < width(once)
    assert often.factor == pytest.approx(1.3, rel=0.02)
    assert often.same == 5


def test_one_wild_measurement_among_many_moves_little() -> None:
    good = [seen(at(work=2.0**step), 1.2) for step in range(8)]
    tame, wild = (Residuals(SPREAD, [*good, seen(at(work=12.0), factor)]) for factor in (1.2, 3.0))
    assert wild.correction(at(work=16.0)).factor == pytest.approx(tame.correction(at(work=16.0)).factor, rel=0.12)


def drawn(random: np.random.Generator, scale: float, count: int) -> list[Observation]:
    """Measurements as the spread says that they are, but noisier or calmer by a factor."""
    settings = [
        at(random.choice(["nano", "tiny"]), random.choice(["cecd", "sesd"]), float(2 ** random.uniform(0, 6)))
        for _ in range(count)
    ]
    near = [
        [
            (
                SPREAD.size**2
                + SPREAD.setting**2 * exp(-abs(log(a.work / b.work)))
                + (a.variant == b.variant) * SPREAD.variant**2
            )
            * (a.size == b.size)
            for b in settings
        ]
        for a in settings
    ]
    values = random.multivariate_normal(np.zeros(count), scale**2 * np.array(near)) + random.normal(0, SPREAD.machine)
    noise = random.normal(0, scale * SPREAD.noise, count)
    return [
        Observation(setting=setting, residual=float(value), noise=SPREAD.noise)
        for setting, value in zip(settings, values + noise, strict=True)
    ]


@pytest.mark.parametrize(("scale", "least"), [(0.5, 0.97), (1.0, 0.93), (1.6, 0.84)])
def test_intervals_hold_what_was_left_out(scale: float, least: float) -> None:
    random = np.random.default_rng(1)
    inside = []
    for _ in range(150):
        *told, asked = drawn(random, scale, 13)
        found = Residuals(SPREAD, told).correction(asked.setting)
        inside.append(found.low <= exp(asked.residual) <= found.high)
    assert np.mean(inside) >= least


def test_measurements_that_scatter_more_than_the_prior_says_widen_the_interval() -> None:
    calm = [seen(at(work=2.0**step), 1.2) for step in range(8)]
    restless = [seen(at(work=2.0**step), 1.2 * (1.4 if step % 2 else 1 / 1.4)) for step in range(8)]
    asked = at(work=100.0)
    assert width(Residuals(SPREAD, calm).correction(asked)) < width(Residuals(SPREAD).correction(asked))
    assert width(Residuals(SPREAD, restless).correction(asked)) > 1.5 * width(Residuals(SPREAD, calm).correction(asked))
