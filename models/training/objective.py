"""The objective of a training: the loss terms of a batch, from `losses`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import losses
from ..moments import Moments, moments, moments_distances
from ..networks.localization import LocalizationNetwork, load_localization_network
from ..networks.pretrained import locate
from ..networks.simplification import simplified
from ..networks.transformer import RIM_PX
from ..painting.networks import named_loss_network, saliency_masks
from ..photos import load_painting
from .options import TrainingOptions
from .style_matching import MATCH_SCALES, StylePlaces, match_distance, match_layers, style_places
from .warp import random_warp

AnyModule = TypeVar("AnyModule", bound=nn.Module)
#: Statistics of pictures by layer, one entry for each style scale.
Targets = list[dict[str, Moments | Tensor]]
#: Fewest positions for a useful covariance: at a scale where a layer is smaller, it is skipped.
LEAST_POSITIONS = 49
#: Smallest part of a crop that the losses see: the deepest layer still has a position at a quarter of its size.
LEAST_PART_PX = 64
RAMPED = ("cam", "category", "edge", "shape", "color", "temporal")
NOISE = 0.02
#: Share of `patch_loss` in the temporal term.
PATCHES = 12.0
#: Added to the contrast by which the temporal term is divided, for pictures of one colour.
CONTRAST_EPSILON = 1e-3
#: Rims of the second painting of the temporal term: the network cannot see as far as the ends of these.
WIDE_RIMS_PX = (48, 64)


class Painter(Protocol):
    """Paints pictures, see `StyleTransformer.paint`."""

    def __call__(self, image: Tensor, style: Tensor, *, rim_px: int = RIM_PX) -> Tensor:
        """RGB [N, 3, H, W] and style vectors [N, D] -> the painting [N, 3, H, W]."""
        ...


def placed(module: AnyModule, device: torch.device) -> AnyModule:
    """Moves a module to the device in channels-last layout, which is faster on CPUs and GPUs."""
    moved: AnyModule = module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


class TrainingObjective:
    """The networks and targets of the terms, loaded once.

    Attributes:
        targets: For each style scale, the paintings' statistics by layer: moments or Gram matrices of S pictures.
    """

    def __init__(
        self, options: TrainingOptions, device: torch.device, *, square_px: int = 1, half: bool = False
    ) -> None:
        """Loads the networks that the weights need.

        Args:
            options: Paintings, loss network and weights of the terms.
            device: Where to compute.
            square_px: Side of the squares to which the transformer simplifies photographs; the content term expects
                the simplified photograph, so that nothing asks for what is left out.
            half: Keep the loss network in bfloat16, which autocast would use anyway.

        Raises:
            InputError: Weights or a painting are missing or unreadable.
        """
        self.options = options
        self.device, self.square_px = device, square_px
        directory, weights = options.weights_directory, options.losses
        self.loss_network = placed(named_loss_network(options.loss_network, directory=directory), device)
        self.localization: LocalizationNetwork | None = None
        if weights.cam + weights.category > 0:
            path = locate("squeezenet1_1", directory=directory)[0]
            self.localization = placed(load_localization_network(path), device)
        masked = weights.shape > 0 or (weights.content > 0 and options.salient_share > 0)
        self.masks = saliency_masks(directory, device) if masked else None
        self.content_scale = torch.tensor(
            [options.content_scale.get(name, 1.0) for name in options.paintings], device=device
        )
        pictures = self.paintings()
        with torch.no_grad():
            self.targets = [self._targets_at(pictures, scale) for scale in options.style_scales]
            self.places = self._places(pictures)
        self.half = half
        if half:
            self.loss_network.bfloat16()

    def weights_at(self, step: int) -> dict[str, float]:
        """Weights at a step: ramped terms grow from 0 between `ramp_start` and `ramp_start + ramp_steps`."""
        ramp = (step - self.options.ramp_start) / max(1, self.options.ramp_steps)
        ramp = min(1.0, max(0.0, ramp))
        weights = asdict(self.options.losses)
        return {name: value * (ramp if name in RAMPED else 1.0) for name, value in weights.items()}

    def terms(
        self,
        paint: Painter,
        content: Tensor,
        styles: Tensor,
        vectors: Tensor,
        *,
        weights: dict[str, float],
        rng: np.random.Generator,
        others: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Unweighted loss terms; terms with weight 0 are not computed.

        Args:
            paint: The transformer's `paint`.
            content: float [N, 3, H, W], RGB in [0, 1].
            styles: int [S], target painting of each of the first S photographs.
            vectors: float [N, D], its style vector.
            weights: Result of `weights_at`.
            rng: Randomness of this step.
            others: float [N - S, 3, h, w], target paintings of the other photographs.
        """
        whole, photographs = paint(content, vectors).float(), content
        output, content = _inner((whole, photographs), self.options.margin, rng)
        terms = self._perceptual(output, content, styles, others, rng)
        terms |= {"variation": losses.total_variation(output), "clipping": losses.range_loss(output)}
        if weights["mesh"] > 0:
            terms["mesh"] = losses.mesh_loss(whole)
        if self.localization is not None and weights["cam"] + weights["category"] > 0:
            terms |= _region(self.localization, output, content)
        if weights["edge"] > 0:
            terms["edge"] = losses.edge_loss(output, content)
        if weights["color"] > 0:
            terms["color"] = losses.color_loss(output, content)
        if self.masks is not None and weights["shape"] > 0:
            with torch.no_grad():
                expected = self.masks(content)
            terms["shape"] = losses.shape_loss(self.masks(output), expected)
        if weights["temporal"] > 0:
            terms["temporal"] = self._temporal(paint, whole, photographs, vectors, rng)
        return terms

    def style_distance(self, output: Tensor, style: int = 0) -> Tensor:
        """The style term of paintings [N, 3, H, W] for one of the style pictures, a scalar."""
        targets = self._targets_for(torch.full((len(output),), style, device=output.device), None)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            distances = [
                self._distance(self.loss_network(_reduced(output, scale), self.options.style_layers), target)
                for scale, target in zip(self.options.style_scales, targets, strict=True)
            ]
        return torch.stack(distances).mean()

    def _targets_for(self, styles: Tensor, others: Tensor | None) -> Targets:
        """Statistics of the paintings of these styles, then of other paintings."""
        known = [{layer: _of(t, styles) for layer, t in target.items()} for target in self.targets]
        if others is None:
            return known
        with torch.no_grad():
            found = [self._targets_at([others], scale) for scale in self.options.style_scales]
        return [
            {layer: _joined([known_at[layer], found_at[layer]]) for layer in known_at}
            for known_at, found_at in zip(known, found, strict=True)
        ]

    def _distance(self, features: dict[str, Tensor], target: dict[str, Moments | Tensor]) -> Tensor:
        """Style distance per picture [N] at one scale."""
        shares = self.options.style_layers
        statistics = {
            layer: self._statistics(features[layer])
            for layer in shares
            if features[layer][0, 0].numel() >= LEAST_POSITIONS
        }
        return _distances(statistics, {layer: target[layer] for layer in statistics}, shares)

    def _perceptual(
        self,
        output: Tensor,
        content: Tensor,
        styles: Tensor,
        others: Tensor | None,
        rng: np.random.Generator,
    ) -> dict[str, Tensor]:
        """Style and match terms, which share the features of the painting, and the content term."""
        options, distances = self.options, []
        features: dict[int, dict[str, Tensor]] = {}
        for scale, target in zip(options.style_scales, self._targets_for(styles, others), strict=True):
            layers = {*options.style_layers} | (match_layers() if scale in self.places else set())
            features[scale] = self.loss_network(_reduced(output, scale), layers)
            distances.append(self._distance(features[scale], target))
        terms = {"style": torch.stack(distances).mean()}
        if self.places:
            terms["match"] = self._match(features, styles, others, rng)
        if options.losses.content > 0:
            terms["content"] = self._content(output, content, styles)
        return terms

    def _match(
        self,
        features: dict[int, dict[str, Tensor]],
        styles: Tensor,
        others: Tensor | None,
        rng: np.random.Generator,
    ) -> Tensor:
        """Match term: places of the paintings against those of their style pictures."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        found = []
        with torch.no_grad():
            unknown = self._places([] if others is None else list(torch.split(others, 1)))
        for scale, known in self.places.items():
            places = [known[style] for style in styles.tolist()] + unknown[scale]
            found.append(match_distance(features[scale], places, generator=generator))
        return torch.stack(found).mean()

    def _content(self, output: Tensor, content: Tensor, styles: Tensor) -> Tensor:
        """Content term: instance-normalised features of the luma, weighted by salient region and style.

        The photograph's light and dark are to stay, its hues are not: a face may be blue.
        """
        options, weight = self.options, torch.ones(len(content), 1, 1, 1, device=content.device)
        weight[: len(styles), 0, 0, 0] = self.content_scale[styles]
        with torch.no_grad():
            wanted = losses.grey(simplified(content, self.square_px))
            expected = self.loss_network(wanted, options.content_layers)
            region = None
            if self.masks is not None and options.salient_share > 0:
                region = 1 + options.salient_share * self.masks(content)[:, None].float()
        features = self.loss_network(losses.grey(output), options.content_layers)
        terms = [
            share * losses.structure_loss(features[layer].float(), expected[layer].float(), region, weight)
            for layer, share in options.content_layers.items()
        ]
        return torch.stack(terms).sum()

    def _statistics(self, features: Tensor) -> Moments | Tensor:
        if self.options.style_statistics == "gram":
            return losses.gram(features.float())
        return moments(features)

    def _temporal(
        self, paint: Painter, output: Tensor, content: Tensor, style: Tensor, rng: np.random.Generator
    ) -> Tensor:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        few = max(1, len(content) // 4)  # a noisy estimate, because the second painting is expensive
        height, width = content.shape[2:]
        warp = random_warp(few, height, width, generator=generator)
        warp = replace(warp, grid=warp.grid.to(self.device), valid=warp.valid.to(self.device))
        noise = torch.randn(content[:few].shape, generator=generator).to(self.device) * NOISE
        moved = (warp(content[:few]) + noise).clamp(0, 1)
        rim_px = int(rng.choice(WIDE_RIMS_PX))
        pictures = warp(output[:few]), paint(moved, style[:few], rim_px=rim_px), warp.valid
        difference = losses.temporal_loss(*pictures) + PATCHES * losses.patch_loss(*pictures)
        contrast = sum(losses.contrast(picture, warp.valid) for picture in pictures[:2])
        return difference / (contrast + CONTRAST_EPSILON)

    def paintings(self) -> list[Tensor]:
        """The style pictures, float [1, 3, h, w], each at its training size."""
        options, pictures = self.options, []
        for name, path in options.paintings.items():
            long_side = round(options.style_long_side_px * options.style_scale.get(name, 1.0))
            pictures.append(load_painting(path, long_side_px=long_side).to(self.device))
        return pictures

    def _places(self, pictures: Sequence[Tensor]) -> dict[int, list[StylePlaces]]:
        """Places of pictures [1, 3, h, w] by scale; empty without the match term."""
        scales = self.options.style_scales if self.options.losses.match > 0 else ()
        return {
            scale: [
                style_places(self.loss_network(_reduced(picture, scale), match_layers()))
                for picture in pictures
            ]
            for scale in scales
            if scale in MATCH_SCALES
        }

    def _targets_at(self, pictures: list[Tensor], scale: int) -> dict[str, Moments | Tensor]:
        """Statistics of all paintings at 1 / scale of their size, by layer."""
        found: dict[str, list[Moments | Tensor]] = {}
        for picture in pictures:
            for layer, features in self.loss_network(
                _reduced(picture, scale), self.options.style_layers
            ).items():
                found.setdefault(layer, []).append(self._statistics(features))
        return {layer: _joined(statistics) for layer, statistics in found.items()}


def _reduced(image: Tensor, scale: int) -> Tensor:
    return image if scale == 1 else F.avg_pool2d(image, scale)


def _inner(pictures: tuple[Tensor, Tensor], share: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The same random part of two batches [N, 3, H, W], smaller on each side by a share of the shorter one."""
    shorter = min(pictures[0].shape[2:])
    margin = max(0, min(round(share * shorter), (shorter - LEAST_PART_PX) // 2))
    height, width = (length - 2 * margin for length in pictures[0].shape[2:])
    top, left = (int(offset) for offset in rng.integers(2 * margin + 1, size=2))
    first, second = (picture[:, :, top : top + height, left : left + width] for picture in pictures)
    return first, second


def _joined(statistics: list[Moments | Tensor]) -> Moments | Tensor:
    """Concatenates statistics of single pictures to a batch."""
    if isinstance(statistics[0], Moments):
        return Moments(*(torch.cat(parts) for parts in zip(*statistics, strict=True)))
    return torch.cat([part for part in statistics if isinstance(part, Tensor)])


def _of(statistics: Moments | Tensor, pictures: Tensor) -> Moments | Tensor:
    return statistics.of(pictures) if isinstance(statistics, Moments) else statistics[pictures]


def _distances(output: dict[str, Any], style: dict[str, Any], shares: dict[str, float]) -> Tensor:
    """Distances per picture [N], of moments or of Gram matrices."""
    if isinstance(next(iter(style.values())), Moments):
        return moments_distances(output, style, shares=shares)
    return losses.style_losses(output, style)


def _region(network: LocalizationNetwork, output: Tensor, content: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        expected = network(network.prepare(content))
        classes = network.logits(expected).argmax(dim=1)
    maps = network(network.prepare(output))
    return {
        "cam": losses.cam_loss(maps.float(), expected.float(), classes),
        "category": losses.category_loss(network.logits(maps.float()), classes),
    }
