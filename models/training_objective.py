"""What a training minimises: the loss terms of a batch, each from its source in `losses`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from . import losses
from .localization import LocalizationNetwork, load_localization_network
from .loss_networks import CONTENT_LAYER
from .paint_networks import named_loss_network, saliency_masks
from .photos import load_painting
from .pretrained import locate
from .training_options import TrainingOptions
from .warp import random_warp

AnyModule = TypeVar("AnyModule", bound=nn.Module)
#: RGB [N, 3, H, W] and style vectors [N, D] -> the painting [N, 3, H, W].
Painter = Callable[[Tensor, Tensor], Tensor]
RAMPED = ("cam", "category", "edge", "shape", "color", "temporal")
NOISE = 0.02


def placed(module: AnyModule, device: torch.device) -> AnyModule:
    """The module on the device, channels last: the faster layout on both kinds of device."""
    moved: AnyModule = module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


class TrainingObjective:
    """The networks and targets that the terms need, loaded once.

    Attributes:
        targets: Gram matrices [S, C, C] of the paintings by layer.
    """

    def __init__(self, options: TrainingOptions, device: torch.device) -> None:
        """Load what the weights ask for.

        Args:
            options: Paintings, loss network and weights of the terms.
            device: Where to compute.

        Raises:
            InputError: Weights or a painting are missing or unreadable.
        """
        self.options = options
        self.device = device
        directory, weights = options.weights_directory, options.losses
        self.loss_network = placed(named_loss_network(options.loss_network, directory=directory), device)
        self.localization: LocalizationNetwork | None = None
        if weights.cam + weights.category > 0:
            path = locate("squeezenet1_1", directory=directory)[0]
            self.localization = placed(load_localization_network(path), device)
        self.masks = saliency_masks(directory, device) if weights.shape > 0 else None
        self.targets = self._style_targets()

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
    ) -> dict[str, Tensor]:
        """Loss terms, unweighted; those whose weight is 0 are not computed.

        Args:
            paint: The transformer.
            content: float [N, 3, H, W], RGB in [0, 1].
            styles: int [N], which painting each photograph is to look like.
            vectors: float [N, D], its style vector.
            weights: As `weights_at` gives them.
            rng: Randomness of this step.
        """
        output = paint(content, vectors)
        terms = self._perceptual(output, content, styles)
        terms |= {"variation": losses.total_variation(output), "clipping": losses.range_loss(output)}
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
            terms["temporal"] = self._temporal(paint, output, content, vectors, rng)
        return terms

    def _perceptual(self, output: Tensor, content: Tensor, styles: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            expected = self.loss_network(content, [CONTENT_LAYER])[CONTENT_LAYER]
        features = self.loss_network(output)
        grams = {layer: losses.gram(f.float()) for layer, f in features.items()}
        return {
            "style": losses.style_loss(grams, {layer: g[styles] for layer, g in self.targets.items()}),
            "content": losses.content_loss(features[CONTENT_LAYER].float(), expected.float()),
        }

    def _temporal(
        self, paint: Painter, output: Tensor, content: Tensor, style: Tensor, rng: np.random.Generator
    ) -> Tensor:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        few = max(1, len(content) // 4)  # a noisy estimate, but the second painting is dear
        height, width = content.shape[2:]
        warp = random_warp(few, height, width, generator=generator)
        warp = replace(warp, grid=warp.grid.to(self.device), valid=warp.valid.to(self.device))
        noise = torch.randn(content[:few].shape, generator=generator).to(self.device) * NOISE
        moved = (warp(content[:few]) + noise).clamp(0, 1)
        return losses.temporal_loss(warp(output[:few]), paint(moved, style[:few]), warp.valid)

    def _style_targets(self) -> dict[str, Tensor]:
        targets: dict[str, list[Tensor]] = {}
        for name, path in self.options.paintings.items():
            long_side = round(self.options.style_long_side_px * self.options.style_scale.get(name, 1.0))
            painting = load_painting(path, long_side_px=long_side).to(self.device)
            with torch.no_grad():
                for layer, features in self.loss_network(painting).items():
                    targets.setdefault(layer, []).append(losses.gram(features)[0])
        return {layer: torch.stack(grams) for layer, grams in targets.items()}


def _region(network: LocalizationNetwork, output: Tensor, content: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        expected = network(network.prepare(content))
        classes = network.logits(expected).argmax(dim=1)
    maps = network(network.prepare(output))
    return {
        "cam": losses.cam_loss(maps.float(), expected.float(), classes),
        "category": losses.category_loss(network.logits(maps.float()), classes),
    }
