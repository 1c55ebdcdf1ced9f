"""The objective of a painting: weighted losses of a picture, and their gradient.

Content and style compare features of a loss network, in tiles for large pictures; the style is compared at several
sizes. The other terms use the picture itself or a small copy. A term with weight 0 is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...engine.errors import UsageError
from .. import losses
from ..networks.localization import LocalizationNetwork
from ..networks.loss_networks import LossNetwork
from .comparison import Comparison
from .feature_terms import FeatureTerms, Style
from .tiling import stride

#: Weight of the category term beside the CAM term of the region loss.
CATEGORY_SHARE = 0.1
#: Weight of values outside [0, 1]; always on, because a picture cannot show them.
RANGE_WEIGHT = 10.0
#: The style is compared at the picture's size divided by each of these; coarse sizes give large forms.
STYLE_SCALES = (1, 2, 4)
#: Additional weight of the content in salient regions.
SALIENT_SHARE = 4.0
#: Fewest positions for a useful covariance: at a scale where a layer is smaller, it is skipped.
LEAST_POSITIONS = 49

Masks = Callable[[Tensor], Tensor]
PictureTerm = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term in the total; 0 switches a term off.

    Attributes:
        content: Instance-normalised features of the photograph at `relu4_1`: forms without the palette.
        style: Means and centred covariances of the style pictures at several sizes; see `moments`.
        match: Similarity of every place to the most similar place of a style picture; see `matching`.
        region: Class activation map and class of the photograph (Liu et al. 2019, doi 10.1109/ACCESS.2019.2891576).
        edge: Sobel magnitudes of the photograph.
        shape: Mask of the salient region.
        color: Low-pass chroma of the photograph.
        tv: Total variation, against noise.
    """

    content: float = 0.0
    style: float = 0.0
    match: float = 0.0
    region: float = 0.0
    edge: float = 0.0
    shape: float = 0.0
    color: float = 0.0
    tv: float = 0.0

    def __post_init__(self) -> None:
        """Checks that no weight is negative or not finite."""
        for name, weight in self.items():
            if not 0 <= weight < float("inf"):
                raise UsageError(f"the weight of {name} is {weight}: expected 0 or more")

    def changed(self, values: Mapping[str, float | None]) -> LossWeights:
        """A copy with the given weights changed; None keeps a weight."""
        return replace(self, **{name: value for name, value in values.items() if value is not None})

    def items(self) -> list[tuple[str, float]]:
        """(name, weight) of every term."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


@dataclass(frozen=True)
class Networks:
    """The networks of the losses; the last two only if terms need them.

    Attributes:
        loss: Features for content and style.
        localization: Class activation maps for the region term.
        saliency: RGB [N, 3, H, W] in [0, 1] -> mask [N, h, w] in [0, 1], differentiable, for the shape term
            and for a higher weight of the content in salient regions.
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
    """The losses of pictures of one size for one photograph and its styles.

    Args:
        networks: Networks of the losses.
        content: float [1, 3, H, W], RGB in [0, 1], the photograph.
        styles: Style pictures.
        weights: Weight of each term.
        comparison: Layers that content and style compare, and how.
        style_scales: The style is compared at the picture's size divided by each of these numbers.
        salient_share: Additional weight of the content in salient regions; needs the saliency network.

    Raises:
        UsageError: The loss network lacks a layer, or a term lacks its network.
    """

    def __init__(
        self,
        networks: Networks,
        content: Tensor,
        styles: Sequence[Style],
        weights: LossWeights,
        *,
        comparison: Comparison | None = None,
        style_scales: tuple[int, ...] = STYLE_SCALES,
        salient_share: float = SALIENT_SHARE,
    ) -> None:
        self.weights = dict(weights.items()) | {"range": RANGE_WEIGHT}
        compared = _wanted(comparison or Comparison(), weights, styles)
        region = _salient(networks, content, salient_share) if compared.content_layers else None
        styles = styles if weights.style > 0 or weights.match > 0 else ()
        scales = {1} | (set(style_scales) if compared.style_layers else set())
        self._features = {
            scale: FeatureTerms(
                networks.loss,
                reduced(content, scale),
                [replace(style, image=reduced(style.image, scale)) for style in styles],
                _at_scale(compared, content, scale, among=style_scales),
                region=region,
            )
            for scale in sorted(scales)
        }
        self._picture = picture_terms(networks, content, weights)

    def __call__(self, image: Tensor) -> Evaluation:
        """Evaluates a picture clipped to [0, 1]; only the range term uses it unclipped.

        Outside that range only the range term has a gradient, which moves the values back.

        Args:
            image: float [1, 3, H, W], RGB, about [0, 1].
        """
        seen = image.detach().clamp(0, 1)
        terms, gradient = self._of_features(seen)
        gradient = gradient * (seen == image)
        pixels = image.detach().requires_grad_(True)
        values = {name: term(pixels.clamp(0, 1)) for name, term in self._picture.items()}
        values["range"] = losses.range_loss(pixels)
        weighted = torch.stack([self.weights[name] * value for name, value in values.items()]).sum()
        gradient = gradient + torch.autograd.grad(weighted, pixels)[0]
        terms |= {name: float(value.detach()) for name, value in values.items()}
        return Evaluation(terms, sum(self.weights[name] * value for name, value in terms.items()), gradient)

    def _of_features(self, image: Tensor) -> tuple[dict[str, float], Tensor]:
        """Unweighted content, style and match of a picture, and the gradient of their weighted sum.

        The style term is the mean over its scales; their gradients go back through the reduction.
        """
        terms: dict[str, float] = {}
        gradient = torch.zeros_like(image)
        count = sum(1 for features in self._features.values() if features.has_style)
        weights = self.weights | {"style": self.weights["style"] / max(1, count)}
        for scale, features in self._features.items():
            pixels = image.detach().requires_grad_(True)
            small = reduced(pixels, scale)
            found, slope = features(small.detach(), weights)
            if "style" in found:
                found["style"] = terms.get("style", 0.0) + found["style"] / count
            terms |= found
            gradient = gradient + torch.autograd.grad(small, pixels, slope)[0]
        return terms, gradient


def reduced(image: Tensor, scale: int) -> Tensor:
    """Reduces a picture to 1 / scale of its size by averaging; a picture that would vanish is unchanged."""
    if scale == 1 or min(image.shape[2:]) < scale:
        return image * 1
    return F.avg_pool2d(image, scale)


def _wanted(comparison: Comparison, weights: LossWeights, styles: Sequence[Style]) -> Comparison:
    """The parts of a comparison that the weights need."""
    return replace(
        comparison,
        content_layers=comparison.content_layers if weights.content > 0 else (),
        style_layers=comparison.style_layers if weights.style > 0 and styles else {},
        match_layers=comparison.match_layers if weights.match > 0 and styles else (),
    )


def _at_scale(comparison: Comparison, content: Tensor, scale: int, *, among: Sequence[int]) -> Comparison:
    """The comparison at a scale: everything at 1; at coarser scales only the style at layers that are large enough."""
    if scale == 1:
        return comparison if 1 in among else replace(comparison, style_layers={})
    height, width = content.shape[2] // scale, content.shape[3] // scale
    large = {
        layer: share
        for layer, share in comparison.style_layers.items()
        if (height // stride(layer)) * (width // stride(layer)) >= LEAST_POSITIONS
    }
    return replace(comparison, content_layers=(), match_layers=(), style_layers=large)


def _salient(networks: Networks, content: Tensor, share: float) -> Tensor | None:
    """Local weight of the content, float [1, 1, H, W]; None for equal weight."""
    if networks.saliency is None or share == 0:
        return None
    with torch.no_grad():
        return 1 + share * networks.saliency(content)[:, None]


def picture_terms(networks: Networks, content: Tensor, weights: LossWeights) -> dict[str, PictureTerm]:
    """The terms that use the picture itself, as functions with their targets; only those with a weight.

    Raises:
        UsageError: The region or shape term is on, but its network is missing.
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
