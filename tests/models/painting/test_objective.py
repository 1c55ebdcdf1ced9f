"""The objective: its gradient, its tiles, its switches."""

import pytest
import torch

from artrt.engine.errors import UsageError
from artrt.models.losses import structure_loss
from artrt.models.moments import moments, moments_distances
from artrt.models.painting.comparison import Comparison
from artrt.models.painting.feature_terms import Style
from artrt.models.painting.objective import LossWeights, Networks, Objective
from support.painting import tiny_loss_network, tiny_networks

ALL = LossWeights(content=1, style=3, region=0.5, edge=0.3, shape=0.2, color=2, tv=1)


def picture(height=96, width=80, *, seed=0, dtype=torch.float32):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_the_gradient_is_that_of_the_total():
    network = tiny_loss_network(dtype=torch.float64)
    content, image = picture(seed=1, dtype=torch.float64), picture(seed=2, dtype=torch.float64)
    weights = LossWeights(content=1, style=3, edge=0.3, color=2, tv=1)
    objective = Objective(Networks(network), content, [Style(picture(seed=3, dtype=torch.float64))], weights)
    direction = torch.randn(image.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    slope = float((objective(image).gradient * direction).sum())
    step = 1e-6
    difference = objective(image + step * direction).total - objective(image - step * direction).total
    assert slope == pytest.approx(difference / (2 * step), rel=1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_tiles_give_the_same_losses_and_gradient_as_the_whole(masked):
    network = tiny_loss_network(dtype=torch.float64)
    content, image = (picture(250, 330, seed=seed, dtype=torch.float64) for seed in (1, 2))
    left = torch.zeros(1, 1, 250, 330, dtype=torch.float64)
    left[..., :100] = 1
    masks = (left, 1 - left) if masked else (None, None)
    styles = [
        Style(picture(200, 150, seed=5, dtype=torch.float64), 0.6, masks[0]),
        Style(picture(170, 180, seed=6, dtype=torch.float64), 0.4, masks[1]),
    ]
    weights = LossWeights(content=1, style=3, match=1, tv=1)
    networks = Networks(network, saliency=lambda picture: picture.mean(dim=1))
    whole = Objective(networks, content, styles, weights)(image)
    tiled = Objective(networks, content, styles, weights, comparison=Comparison(tile_px=96))(image)
    assert tiled.terms == pytest.approx(whole.terms, rel=1e-9)
    torch.testing.assert_close(tiled.gradient, whole.gradient, rtol=1e-7, atol=1e-14)


def test_content_counts_more_where_the_picture_is_salient():
    content, image = picture(96, 96, seed=1), picture(96, 96, seed=2)
    image[..., :48] = content[..., :48]
    left = torch.zeros(1, 96, 96)
    left[..., :48] = 1
    found = {}
    for name, mask in (("left", left), ("right", 1 - left), ("everywhere", None)):
        networks = Networks(tiny_loss_network(), saliency=None if mask is None else lambda _, mask=mask: mask)
        found[name] = Objective(networks, content, [], LossWeights(content=1))(image).terms["content"]
        region = None if mask is None else 1 + 4 * mask[:, None]
        features = [networks.loss(one, ["relu4_1"])["relu4_1"] for one in (image, content)]
        assert found[name] == pytest.approx(float(structure_loss(*features, region)), rel=1e-3)
    assert found["left"] < found["everywhere"] < found["right"]


def test_the_style_is_the_mean_over_its_scales_and_layers_that_are_large_enough():
    network, image, style = tiny_loss_network(), picture(seed=1), picture(seed=2)
    shares = {"relu1_1": 3.0, "relu4_1": 1.0}
    compared = Comparison(style_layers=shares)
    term = Objective(Networks(network), image, [Style(style)], LossWeights(style=1), comparison=compared)
    expected = []
    for scale in (1, 2, 4):
        small = [torch.nn.functional.avg_pool2d(one, scale) for one in (image, style)]
        layers = {name: share for name, share in shares.items() if scale == 1 or name == "relu1_1"}
        found = [{k: moments(v) for k, v in network(one, layers).items()} for one in small]
        expected.append(float(moments_distances(*found, shares=layers)))
    assert term(image).terms["style"] == pytest.approx(sum(expected) / 3, rel=1e-4)


def test_half_precision_gives_nearly_the_same_gradient():
    content, image, styles = picture(seed=1), picture(seed=2), [Style(picture(seed=3))]
    weights = LossWeights(content=1, style=10)
    full, half = (
        Objective(tiny_networks(), content, styles, weights, comparison=Comparison(half=half))(image)
        for half in (False, True)
    )
    assert half.terms == pytest.approx(full.terms, rel=0.05)
    assert torch.cosine_similarity(full.gradient.flatten(), half.gradient.flatten(), dim=0) > 0.8
    assert not torch.equal(full.gradient, half.gradient)


def test_the_photograph_itself_costs_nothing_but_style():
    content = picture(seed=1)
    networks = tiny_networks(localized=True)
    networks = Networks(networks.loss, networks.localization, lambda image: image.mean(dim=1))
    terms = Objective(networks, content, [Style(picture(seed=2))], ALL)(content).terms
    assert {name for name, value in terms.items() if value < 1e-5} == {
        "content",
        "edge",
        "shape",
        "color",
        "range",
    }
    assert terms["style"] > 0
    category = terms[
        "region"
    ]  # of the region term the CAM part is 0, the class is only as sure as the network
    assert 0 < category < 1


def test_a_picture_is_measured_as_it_will_be_seen():
    """Out of range only the range term acts, and it points back."""
    objective = Objective(
        tiny_networks(), picture(seed=1), [Style(picture(seed=2))], LossWeights(content=1, style=3, tv=1)
    )
    image = picture(seed=3)
    image[..., :40, :] += 0.7
    seen, clipped = objective(image), objective(image.clamp(0, 1))
    assert {**seen.terms, "range": 0.0} == pytest.approx({**clipped.terms, "range": 0.0})
    assert seen.terms["range"] > clipped.terms["range"] == 0
    assert (seen.gradient[image > 1] > 0).all()


def test_a_weight_of_0_computes_nothing():
    def never(*_):
        raise AssertionError("computed")

    networks = Networks(tiny_loss_network(), never, never)
    weights = LossWeights(content=1)
    objective = Objective(networks, picture(seed=1), [Style(picture(seed=2))], weights, salient_share=0)
    assert set(objective(picture(seed=3)).terms) == {"content", "range"}


def test_without_the_loss_network_s_terms_it_is_never_run():
    def never(*_):
        raise AssertionError("computed")

    objective = Objective(Networks(never), picture(seed=1), [], LossWeights(edge=1, tv=1))
    evaluation = objective(picture(seed=3))
    assert set(evaluation.terms) == {"edge", "tv", "range"}
    assert evaluation.gradient.abs().sum() > 0


@pytest.mark.parametrize(
    ("weights", "message"), [({"region": 1}, "localization"), ({"shape": 1}, "saliency")]
)
def test_a_term_without_its_network_is_refused(weights, message):
    with pytest.raises(UsageError, match=message):
        Objective(tiny_networks(), picture(), [], LossWeights(**weights))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_impossible_weights_are_refused(weight):
    with pytest.raises(UsageError, match="weight of edge"):
        LossWeights(edge=weight)


def test_an_unknown_layer_lists_the_known():
    compared = Comparison(content_layers=("relu9_1",))
    with pytest.raises(UsageError, match=r"no layer 'relu9_1'.*relu4_1"):
        Objective(tiny_networks(), picture(), [], LossWeights(content=1), comparison=compared)


def test_changed_keeps_what_is_not_given():
    assert LossWeights(content=1, tv=2).changed({"tv": 3.0, "edge": None}) == LossWeights(content=1, tv=3)
