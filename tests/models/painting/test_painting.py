"""Painting, with small random networks: it lowers the losses, and does what each option says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from artrt import models
from artrt.engine.errors import InputError, UsageError
from artrt.engine.looks.stylizer import Stylizer
from artrt.models.losses import chroma
from artrt.models.painting.objective import LossWeights, picture_terms
from artrt.models.painting.options import PaintOptions
from artrt.models.painting.painting import DivergedError, paint
from artrt.models.tensors import image_from_tensor, resized, tensor_from_image
from support.painting import tiny_networks

WEIGHTS = LossWeights(content=1, style=5, tv=0.1)
OPTIONS = PaintOptions(size_px=128, coarse_px=64, steps=24, weights=WEIGHTS, init="photo", bfloat16=False)


@pytest.fixture
def photo(picture):
    return picture(96, 128, seed=1)


@pytest.fixture
def style(picture):
    noise = np.random.default_rng(0).integers(0, 60, (80, 90, 3))
    return (picture(80, 90, seed=2) // 2 + noise).astype(np.uint8)


def paint_all(photo, style, options=OPTIONS, **others):
    return list(paint(photo, style, options, networks=tiny_networks(), **others))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_each_level_lowers_the_loss(photo, style, optimizer):
    steps = paint_all(photo, style, replace(OPTIONS, optimizer=optimizer))
    assert [step.step for step in steps] == list(range(1, 25))
    assert {step.size for step in steps} == {(49, 65), (68, 91), (96, 128)}
    for level in (1, 2, 3):
        own = [step for step in steps if step.level == level]
        assert own[-1].best < own[0].total
    assert steps[-1].terms["style"] < 0.85 * steps[0].terms["style"]
    assert steps[-1].image.shape == photo.shape


def test_the_same_seed_gives_the_same_picture(photo, style):
    noisy = replace(OPTIONS, init="noise", steps=4)
    first, again = (paint_all(photo, style, noisy)[-1].image for _ in range(2))
    other = paint_all(photo, style, replace(noisy, seed=1))[-1].image
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_painting_starts_from_what_init_says(photo, style, picture):
    start = replace(OPTIONS, steps=2)
    stylized = picture(30, 40, seed=9)
    first = {
        init: paint_all(photo, style, replace(start, init=init), initial=stylized)[0].state.pixels
        for init in ("photo", "style", "noise", "blur", "stylized")
    }
    assert len({float(pixels.sum()) for pixels in first.values()}) == 5
    small = resized(tensor_from_image(photo), tuple(first["photo"].shape[2:]))
    torch.testing.assert_close(first["photo"], small.clamp(0, 1), atol=1e-6, rtol=0)
    assert first["blur"].diff(dim=3).abs().mean() < 0.8 * first["photo"].diff(dim=3).abs().mean()


def test_a_painting_starts_from_what_the_network_paints_in_its_styles(photo, style, picture):
    start, other = replace(OPTIONS, init="stylized", steps=2), picture(80, 90, seed=3)
    own, mixed, twice = (
        paint_all(photo, styles, start)[0].state.pixels for styles in (style, [style, other], [style, style])
    )
    expected = Stylizer(style, provider="cpu")(
        image_from_tensor(resized(tensor_from_image(photo), (96, 128)))
    )
    small = resized(tensor_from_image(expected), tuple(own.shape[2:])).clamp(0, 1)
    assert (own - small).abs().mean() < 0.005  # the network that is exported, in another number format
    torch.testing.assert_close(own, twice, atol=1e-4, rtol=0)
    assert (own - mixed).abs().mean() > 0.005


def test_a_stopped_painting_goes_on_where_it_was(photo, style):
    walk = paint(photo, style, OPTIONS, networks=tiny_networks())
    stopped = [next(walk) for _ in range(16)][-1]
    rest = paint_all(photo, style, resume=stopped.state)
    assert [step.step for step in rest] == list(range(17, 25))
    assert rest[0].total == pytest.approx(stopped.best)
    assert rest[-1].best < stopped.best


@pytest.mark.parametrize("given", [lambda mask: mask, lambda mask: [255 - mask, mask]])
def test_two_styles_keep_to_their_masks(photo, given):
    red, blue = (np.full((80, 80, 3), color, np.uint8) for color in ((20, 20, 230), (230, 20, 20)))
    mask = np.full(photo.shape[:2], 255, np.uint8)
    mask[:, :48] = 0
    grey = np.full_like(photo, 128)
    options = replace(
        OPTIONS, weights=LossWeights(style=10, content=0.01), style_layers={"relu1_1": 1.0}, steps=40
    )
    image = paint_all(grey, [red, blue], options, mask=given(mask))[-1].image.astype(float)
    left, right = image[:, :44].mean(axis=(0, 1)), image[:, 52:].mean(axis=(0, 1))
    assert left[2] - left[0] > 40
    assert right[0] - right[2] > 40


def test_places_are_matched_at_the_last_size_alone(photo, style):
    steps = paint_all(photo, style, replace(OPTIONS, weights=replace(WEIGHTS, match=2)))
    plain = paint_all(photo, style)
    assert {step.level for step in steps if "match" in step.terms} == {3}
    assert [step.total for step in steps if step.level < 3] == [
        step.total for step in plain if step.level < 3
    ]
    matched = [step.terms["match"] for step in steps if step.level == 3]
    assert matched[-1] < 0.97 * matched[0]


def test_luminance_keeps_the_photograph_s_colours(photo, style):
    image = paint_all(photo, style, replace(OPTIONS, preserve_color="luminance"))[-1].image
    difference = chroma(tensor_from_image(image)) - chroma(tensor_from_image(photo))
    assert difference.abs().median() < 0.01
    assert not np.array_equal(image, photo)


def test_histogram_brings_the_style_to_the_photograph_s_mean(photo, style):
    options = replace(OPTIONS, weights=LossWeights(style=10, content=0.01))
    plain = paint_all(photo, style, options)[-1].image.mean(axis=(0, 1))
    kept = paint_all(photo, style, replace(options, preserve_color="histogram"))[-1].image.mean(axis=(0, 1))
    wanted = photo.mean(axis=(0, 1))
    assert np.abs(kept - wanted).sum() < 0.7 * np.abs(plain - wanted).sum()


def test_tiles_leave_no_seams(photo, style, picture):
    photo = picture(160, 224, seed=1)
    options = replace(OPTIONS, size_px=224, coarse_px=224, steps=4)
    whole = paint_all(photo, style, options)[-1].image.astype(float)
    tiled = paint_all(photo, style, replace(options, tile_px=128))[-1].image.astype(float)
    assert np.abs(whole - tiled).max() <= 4  # the same painting but for rounding that grows with the steps
    steps = np.abs(np.diff(tiled, axis=1)).mean(axis=(0, 2))
    border = 112  # two tiles of 112
    assert steps[border - 1] <= 1.5 * np.median(steps)


def test_a_loss_that_is_no_number_stops_and_names_the_weight(photo, style):
    weights = replace(WEIGHTS, tv=1e39)
    walk = paint(photo, style, replace(OPTIONS, weights=weights), networks=tiny_networks())
    with pytest.raises(DivergedError, match=r"tv loss .* weight of 1e\+39 is too large") as caught:
        list(walk)
    assert caught.value.exit_code == 1


def test_the_last_good_picture_is_kept(photo, style, monkeypatch):
    walk = paint(photo, style, OPTIONS, networks=tiny_networks())
    seen = [next(walk)]
    monkeypatch.setattr("artrt.models.losses.total_variation", lambda image: image.sum() * float("nan"))
    monkeypatch.setattr("artrt.models.losses.range_loss", lambda image: image.sum() * float("nan"))
    with pytest.raises(DivergedError, match="loss is not finite"):
        seen.extend(walk)
    assert len(seen) > 0
    assert np.isfinite(seen[-1].state.pixels.numpy()).all()
    assert seen[-1].total < 1e3


def test_a_tiny_style_is_refused(photo, picture):
    with pytest.raises(InputError, match="at least 64 px wide and high, got 80x63"):
        paint_all(photo, picture(63, 80))


def test_a_line_is_no_photograph(style):
    with pytest.raises(InputError, match="too thin"):
        paint_all(np.zeros((1, 500, 3), np.uint8), style)


def test_one_pixel_can_be_painted(style):
    step = paint_all(np.full((1, 1, 3), 90, np.uint8), style, replace(OPTIONS, steps=4))[-1]
    assert step.image.shape == (128, 128, 3)


def test_a_painting_larger_than_memory_says_what_fits(photo, style, monkeypatch):
    monkeypatch.setattr("artrt.models.painting.painting.available_bytes", lambda device: 1 << 30)
    with pytest.raises(UsageError, match=r"--size \d+ would fit"):
        paint_all(photo, style, replace(OPTIONS, size_px=4000))


def test_weights_for_every_style_are_needed(photo, style):
    with pytest.raises(UsageError, match="1 style weights for 2 styles"):
        paint_all(photo, [style, style], replace(OPTIONS, style_weights=(1.0,)))


def test_the_package_gives_paint():
    assert models.paint is paint
    assert sorted(models.__all__) == models.__all__
    for name in models.__all__:
        assert getattr(models, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'pain'"):
        models.pain  # noqa: B018


def test_the_region_term_keeps_what_is_to_be_seen(photo, style):
    networks = tiny_networks(localized=True)
    losses = {}
    for weight in (0.0, 20.0):
        options = replace(OPTIONS, size_px=64, steps=12, weights=replace(WEIGHTS, region=weight))
        pixels = list(paint(photo, style, options, networks=networks))[-1].state.pixels
        content = resized(tensor_from_image(photo), tuple(pixels.shape[2:]))
        losses[weight] = float(picture_terms(networks, content, LossWeights(region=1))["region"](pixels))
    assert losses[20.0] < 0.85 * losses[0.0]
