"""Options: levels, shares, refusals."""

import pytest

from artrt.engine.errors import UsageError
from artrt.models.painting.options import PaintOptions, comparison


def test_each_level_is_larger_by_the_same_factor_up_to_the_size():
    assert PaintOptions(size_px=512).long_sides() == [133, 187, 261, 366, 512]
    assert PaintOptions(size_px=100, coarse_px=128).long_sides() == [100]


@pytest.mark.parametrize("steps", [1, 3, 7, 100, 401])
def test_steps_are_shared_among_the_levels(steps):
    plan = PaintOptions(size_px=1024, steps=steps).steps_of_levels()
    assert len(plan) == 7
    assert min(plan) >= 1
    if steps >= 100:
        assert sum(plan) == steps
        assert plan == sorted(plan, reverse=True)
        assert sum(plan[:3]) > steps / 2


def test_shares_add_up_to_1():
    assert PaintOptions().shares(4) == (0.25,) * 4
    assert PaintOptions(style_weights=(3, 1)).shares(2) == (0.75, 0.25)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size_px": 63}, "size must be at least 64, got 63"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"init": "photos"}, r"unknown init 'photos'; did you mean 'photo'"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'"),
        ({"preserve_color": "hue"}, "way to preserve colour 'hue'"),
        ({"style_scale": 0.0}, "style scale"),
        ({"tile_px": 16}, "tile must be at least"),
        ({"style_weights": (1.0, -1.0)}, "style weights"),
    ],
)
def test_impossible_options_are_refused(values, message):
    with pytest.raises(UsageError, match=message):
        PaintOptions(**values)


@pytest.mark.parametrize("weights", [(1.0,), (0.0, 0.0)])
def test_shares_that_fit_no_styles_are_refused(weights):
    with pytest.raises(UsageError, match="style weights"):
        PaintOptions(style_weights=weights).shares(2)


@pytest.mark.parametrize("fast", [True, False])
def test_bfloat16_is_taken_where_the_processor_has_it(monkeypatch, fast):
    monkeypatch.setattr("artrt.models.painting.options.fast_bfloat16", lambda: fast)
    assert comparison(PaintOptions()).half is fast
    assert comparison(PaintOptions(bfloat16=not fast)).half is not fast


@pytest.mark.parametrize(
    ("values", "message"),
    [({"style_scales": ()}, "style scales"), ({"salient_share": -1.0}, "salient share")],
)
def test_impossible_scales_and_shares_are_refused(values, message):
    with pytest.raises(UsageError, match=message):
        PaintOptions(**values)


def test_without_onnx_runtime_a_painting_starts_from_the_photograph(monkeypatch):
    assert PaintOptions().init == "stylized"
    monkeypatch.setattr("artrt.models.painting.options.find_spec", lambda name: None)
    assert PaintOptions().init == "photo"
