"""Ways down: they arrive, they go back after a leap, Adam ends with its average."""

import pytest
import torch

from artrt.models.painting.objective import Evaluation
from artrt.models.painting.optimizers import OPTIMIZERS, Pyramid, adam, lbfgs

TARGET = torch.rand(1, 3, 21, 34, generator=torch.Generator().manual_seed(0))


def bowl(image):
    """A badly conditioned bowl around the target, as small for each pixel as real losses are."""
    slopes = torch.linspace(0.1, 3, image.shape[3])
    difference = image - TARGET
    total = float((slopes * difference.square()).mean())
    return Evaluation({"bowl": total}, total, 2 * slopes * difference / image.numel())


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_it_arrives(name):
    steps = list(OPTIMIZERS[name](bowl, torch.full(TARGET.shape, 0.5), steps=60))
    assert len(steps) == 60
    assert steps[-1].evaluation.total < 0.1 * steps[0].evaluation.total


def test_lbfgs_is_the_quicker_one():
    start = torch.full(TARGET.shape, 0.5)
    last = {name: list(walk(bowl, start, steps=30))[-1].evaluation.total for name, walk in OPTIMIZERS.items()}
    assert last["lbfgs"] < 0.1 * last["adam"]


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_each_step_s_losses_are_those_of_its_picture(name):
    for step in OPTIMIZERS[name](bowl, torch.full(TARGET.shape, 0.5), steps=5):
        assert bowl(step.pixels).total == pytest.approx(step.evaluation.total)


def test_a_step_too_far_is_shortened():
    """A wall that the full step would run into: the next trials come nearer to the last good picture."""
    wall = float(bowl(torch.full(TARGET.shape, 0.5)).total)

    def walled(image):
        evaluation = bowl(image)
        far = float((image - 0.5).abs().max()) > 0.1
        return Evaluation(evaluation.terms, evaluation.total + far * wall, evaluation.gradient)

    steps = list(lbfgs(walled, torch.full(TARGET.shape, 0.5), steps=40))
    totals = [step.evaluation.total for step in steps]
    assert max(totals) > wall  # it was run into
    assert min(totals) < 0.95 * wall
    best = steps[totals.index(min(totals))].pixels
    assert (best - 0.5).abs().max() <= 0.1


def test_l_bfgs_finds_the_bottom_of_a_narrow_valley():
    """Rosenbrock's banana, in the first two pixels."""

    def banana(image):
        pixels = image.detach().double().requires_grad_(True)
        x, y = 4 * pixels[0, 0, 0, 0] - 2, 4 * pixels[0, 0, 0, 1] - 2
        value = (1 - x) ** 2 + 100 * (y - x * x) ** 2
        return Evaluation({}, float(value.detach()), torch.autograd.grad(value, pixels)[0].float())

    start = torch.full((1, 3, 4, 4), 0.2)
    totals = [step.evaluation.total for step in lbfgs(banana, start, steps=120)]
    assert min(totals) < 1e-4 * totals[0]


def test_adam_ends_with_an_average():
    last = list(adam(bowl, torch.full(TARGET.shape, 0.5), steps=20))
    assert not torch.equal(last[-1].pixels, last[-2].pixels)


def test_the_pyramid_begins_as_its_start():
    start = torch.rand(1, 3, 17, 9)
    pyramid = Pyramid(start)
    torch.testing.assert_close(pyramid(), start)
    assert [tuple(offset.shape[2:]) for offset in pyramid.offsets] == [(17, 9), (9, 5), (5, 3), (3, 2)]
