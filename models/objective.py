"""What a painting is measured by: the weighted losses of a picture, and their gradient.

Content and style compare features of a loss network, tile by tile where the picture is large; the other terms look at
the picture itself or at a small copy of it. A weight of 0 computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ..engine.errors import UsageError
from . import losses
from .feature_terms import FeatureTerms, Style
from .localization import LocalizationNetwork
from .loss_networks import CONTENT_LAYER, STYLE_LAYERS, LossNetwork

#: Weight of the category term beside the CAM term of the region loss.
CATEGORY_SHARE = 0.1
#: Weight of values outside [0, 1]; always on, as a picture cannot show them.
RANGE_WEIGHT = 10.0

Masks = Callable[[Tensor], Tensor]
PictureTerm = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term in the total; 0 switches a term off.

    Attributes:
        content: Instance-normalised features of the photograph at `relu4_1`: forms without their palette.
        style: Means and centred covariances of the style pictures, see `moments`.
        region: Class activation map and class of the photograph (Liu et al. 2019, doi 10.1109/ACCESS.2019.2891576).
        edge: Sobel magnitudes of the photograph.
        shape: Mask of the salient region.
        color: Low-pass chroma of the photograph.
        tv: Total variation, against noise.
    """

    content: float = 0.0
    style: float = 0.0
    region: float = 0.0
    edge: float = 0.0
    shape: float = 0.0
    color: float = 0.0
    tv: float = 0.0

    def __post_init__(self) -> None:
        """Refuses weights that are negative or not finite."""
        for name, weight in self.items():
            if not 0 <= weight < float("inf"):
                raise UsageError(f"the weight of {name} is {weight}; a weight is 0 or more")

    def changed(self, values: Mapping[str, float | None]) -> LossWeights:
        """The same weights but for those given; None leaves a weight as it is."""
        return replace(self, **{name: value for name, value in values.items() if value is not None})

    def items(self) -> list[tuple[str, float]]:
        """(name, weight) of every term."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


@dataclass(frozen=True)
class Networks:
    """The networks that losses look through; the last two only where their terms are on.

    Attributes:
        loss: Features for content and style.
        localization: Class activation maps for the region term.
        saliency: RGB [N, 3, H, W] in [0, 1] -> mask [N, h, w] in [0, 1], differentiable, for the shape term.
    """

    loss: LossNetwork
    localization: LocalizationNetwork | None = None
    saliency: Masks | None = None


@dataclass(frozen=True)
class Evaluation:
    """Losses of one picture.

    Attributes:
        terms: Unweighted loss by name.
        total: Weighted sum.
        gradient: float [1, 3, H, W], of the total.
    """

    terms: dict[str, float]
    total: float
    gradient: Tensor


class Objective:
    """The losses of pictures of one size against one photograph and its styles.

    Args:
        networks: Networks to look through.
        content: float [1, 3, H, W], RGB in [0, 1], the photograph.
        styles: Style pictures.
        weights: Weight of each term.
        content_layers: Layers that the content term compares.
        style_layers: Layers that the style term compares.
        tile_px: Side of the tiles for content and style; 0 for the whole picture at once.
        normalize_content: Compare instance-normalised content, which leaves the palette free.

    Raises:
        UsageError: A layer that the loss network lacks, or a term without its network.
    """

    def __init__(
        self,
        networks: Networks,
        content: Tensor,
        styles: Sequence[Style],
        weights: LossWeights,
        *,
        content_layers: tuple[str, ...] = (CONTENT_LAYER,),
        style_layers: tuple[str, ...] = STYLE_LAYERS,
        tile_px: int = 0,
        normalize_content: bool = True,
    ) -> None:
        self.weights = dict(weights.items()) | {"range": RANGE_WEIGHT}
        self._features = FeatureTerms(
            networks.loss,
            content,
            styles if weights.style > 0 else (),
            content_layers=content_layers if weights.content > 0 else (),
            style_layers=style_layers if weights.style > 0 and styles else (),
            tile_px=tile_px,
            normalize_content=normalize_content,
        )
        self._picture = picture_terms(networks, content, weights)

    def __call__(self, image: Tensor) -> Evaluation:
        """Measures a picture as it will be seen, that is clipped to [0, 1]; the range term alone sees it unclipped.

        What lies outside has no gradient but that of the range term, which brings it back.

        Args:
            image: float [1, 3, H, W], RGB, about [0, 1].
        """
        seen = image.detach().clamp(0, 1)
        terms, gradient = self._features(seen, self.weights)
        gradient = gradient * (seen == image)
        pixels = image.detach().requires_grad_(True)
        values = {name: term(pixels.clamp(0, 1)) for name, term in self._picture.items()}
        values["range"] = losses.range_loss(pixels)
        weighted = torch.stack([self.weights[name] * value for name, value in values.items()]).sum()
        gradient = gradient + torch.autograd.grad(weighted, pixels)[0]
        terms |= {name: float(value.detach()) for name, value in values.items()}
        return Evaluation(terms, sum(self.weights[name] * value for name, value in terms.items()), gradient)


def picture_terms(networks: Networks, content: Tensor, weights: LossWeights) -> dict[str, PictureTerm]:
    """The terms that look at the picture itself, each with its target bound; only those with a weight.

    Raises:
        UsageError: The region or the shape term is on, but its network is not given.
    """
    terms: dict[str, PictureTerm] = {}
    if weights.region > 0:
        terms["region"] = _region_term(networks, content)
    if weights.edge > 0:
        terms["edge"] = lambda image: losses.edge_loss(image, content)
    if weights.shape > 0:
        terms["shape"] = _shape_term(networks, content)
    if weights.color > 0:
        terms["color"] = lambda image: losses.color_loss(image, content, sigma_px=max(content.shape[2:]) / 64)
    if weights.tv > 0:
        terms["tv"] = losses.total_variation
    return terms


def _region_term(networks: Networks, content: Tensor) -> PictureTerm:
    network = networks.localization
    if network is None:
        raise UsageError("the region term needs the localization network (squeezenet1_1)")
    with torch.no_grad():
        target = network(network.prepare(content))
        classes = network.logits(target).argmax(dim=1)

    def region(image: Tensor) -> Tensor:
        maps = network(network.prepare(image))
        category = losses.category_loss(network.logits(maps), classes)
        return losses.cam_loss(maps, target, classes) + CATEGORY_SHARE * category

    return region


def _shape_term(networks: Networks, content: Tensor) -> PictureTerm:
    saliency = networks.saliency
    if saliency is None:
        raise UsageError("the shape term needs the saliency network")
    with torch.no_grad():
        target = saliency(content)
    return lambda image: losses.shape_loss(saliency(image), target)
