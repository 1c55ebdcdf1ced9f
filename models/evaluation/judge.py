"""Evaluation: how close a painting came to its style, and what it kept of its photograph.

The same scores apply to shipped stages, trunks in training, and pictures of other programs. docs/metrics.md has the
definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...engine.errors import InputError
from ...engine.frame import Image, read_image, reduced
from ..losses import content_loss
from ..moments import Moments, covariance_errors, moments
from ..networks.localization import LocalizationNetwork, load_localization_network
from ..networks.loss_networks import CONTENT_LAYER, SMALL, LossNetwork, load_loss_network
from ..networks.pretrained import is_installed, locate
from ..photos import load_painting
from .frame_pairs import FramePair
from .metrics import edge_f1, mask_iou, ssim, top_iou, warping_error
from .squeezenet_scores import (
    Correlations,
    Recognised,
    colours,
    correlations,
    painted_by_scale,
    palette_shift,
)

Transform = Callable[[Image, str], Image]
"""(photograph uint8 [H, W, 3] BGR, style name) -> painting of the same size and kind."""
Paint = Callable[[Path, Image, str], Image]
"""The same, with the photograph's file as first argument."""
MaskOf = Callable[[Image], NDArray[np.float32]]
"""Picture uint8 [H, W, 3] BGR -> mask float32 [h, w] in [0, 1]."""


@dataclass(frozen=True)
class EvaluationOptions:
    """Sizes at which pictures are compared.

    Attributes:
        long_side_px: Photographs are reduced to this long side, never enlarged.
        style_long_side_px: Style pictures likewise; the scale is part of the style.
    """

    long_side_px: int = 384
    style_long_side_px: int = 448


@dataclass(frozen=True)
class PictureScores:
    """The scores of one painting. Errors and losses are better when small, all others when large.

    Without SqueezeNet, strokes and recognition are None: `painted` to `painted_quarter`, `semantic` to `top1_kept`.

    Attributes:
        photograph: File name of the photograph.
        style: Name of the style.
        painted: 0 for the photograph, 1 for the painting's strokes; mean of the three scales.
        painted_full: `painted` at full size: fine strokes, and noise.
        painted_half: `painted` at half the size.
        painted_quarter: `painted` at a quarter of the size: large strokes.
        palette: 0 for the photograph's colours, 1 for the style's.
        semantic: Cosine similarity of a classifier's features of photograph and painting.
        cam_correlation: Correlation of the activation maps of the photograph's class.
        cam_iou: Overlap (IoU) of the top fifth of these maps.
        top1_kept: 1 if painting and photograph have the same most likely class, else 0.
        saliency_iou: Overlap (IoU) of the saliency masks; None without a saliency network.
        ssim: Structural similarity of luma.
        edge_f1: F1 score of the edges.
        content_loss: Content loss at relu4_1, relative to the photograph's energy.
        covariance_errors: |C - C*| / |C*| by layer of the loss network.
    """

    photograph: str
    style: str
    painted: float | None
    painted_full: float | None
    painted_half: float | None
    painted_quarter: float | None
    palette: float
    semantic: float | None
    cam_correlation: float | None
    cam_iou: float | None
    top1_kept: float | None
    saliency_iou: float | None
    ssim: float
    edge_f1: float
    content_loss: float
    covariance_errors: Mapping[str, float]

    def numbers(self) -> dict[str, float]:
        """The scores by name, per layer as `covariance_relu1_1`, without those that are None."""
        plain = {name: value for name, value in vars(self).items() if isinstance(value, float)}
        return plain | by_layer(self.covariance_errors)


def by_layer(errors: Mapping[str, float]) -> dict[str, float]:
    """Errors by layer with the names of scores."""
    return {f"covariance_{layer}": value for layer, value in errors.items()}


@dataclass(frozen=True)
class _Seen:
    """The outputs of all networks for one picture."""

    colours: Tensor
    relu: dict[str, Tensor]
    correlations: Correlations | None
    recognised: Recognised | None
    mask: NDArray[np.float32] | None


@dataclass(frozen=True)
class Target:
    """The outputs of the networks for a style picture.

    Attributes:
        colours: Quantiles of its colours, see `squeezenet_scores.colours`.
        moments: Statistics by layer of the loss network.
        correlations: Correlation matrices of SqueezeNet's channels, or None.
        floor: Covariance errors between the two halves of the picture, by layer: a practical lower limit.
    """

    colours: Tensor
    moments: dict[str, Moments]
    correlations: Correlations | None
    floor: dict[str, float]


class Judge:
    """Scores paintings; holds the networks.

    Args:
        loss_network: Features for covariance errors and content loss.
        localization: SqueezeNet 1.1; None leaves out the scores of strokes and recognition.
        mask_of: Computes saliency masks; None skips them.
    """

    def __init__(
        self,
        loss_network: LossNetwork,
        localization: LocalizationNetwork | None,
        *,
        mask_of: MaskOf | None = None,
    ) -> None:
        self._loss_network = loss_network
        self._localization = localization
        self._mask_of = mask_of

    @classmethod
    def load(cls, *, weights: str | Path | None = None, mask_of: MaskOf | None = None) -> Judge:
        """Loads the judge of all published scores: the `compact` loss network and SqueezeNet 1.1.

        Without `compact` on this machine, the loss network that ships takes its place; see `notices`.

        Args:
            weights: Folder of the weight files, searched before the caches.
            mask_of: Computes saliency masks, or None.
        """
        network, localization = load_loss_network(SMALL), None
        if is_installed("compact", directory=weights):
            folder = locate("compact", directory=weights)[0].parent
            network = load_loss_network("compact", directory=folder)
        if is_installed("squeezenet1_1", directory=weights):
            localization = load_localization_network(locate("squeezenet1_1", directory=weights)[0])
        return cls(network, localization, mask_of=mask_of)

    def notices(self) -> list[str]:
        """What the user should know about the networks."""
        lines = [f"loss network {self._loss_network.name}"]
        if self._loss_network.name == SMALL:
            lines[0] += ", which ships; published covariance errors and content losses are by compact"
        if self._localization is None:
            lines.append(
                "SqueezeNet is not on this machine: painted, semantic, CAM and top-1 are left out; "
                "`artrt models pull squeezenet1_1` downloads it (5 MB)"
            )
        return lines

    @torch.no_grad()
    def style(self, picture: Path, *, long_side_px: int) -> Target:
        """Reads a style picture and runs the networks on it.

        Raises:
            InputError: The picture is missing or unreadable.
        """
        image = load_painting(picture, long_side_px=long_side_px)
        halves = [
            self._moments(half) for half in image.chunk(2, dim=2 + int(image.shape[3] > image.shape[2]))
        ]
        ways = [covariance_errors(*halves), covariance_errors(*halves[::-1])]
        floor = {name: float(ways[0][name] + ways[1][name]) / 2 for name in ways[0]}
        return Target(colours(image), self._moments(image), self._correlations(image), floor)

    @torch.no_grad()
    def look(self, image: Image) -> _Seen:
        """Runs all networks on one picture, uint8 [H, W, 3] BGR."""
        tensor = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1)[None].float() / 255
        return _Seen(
            colours=colours(tensor),
            relu=self._loss_network(tensor),
            correlations=self._correlations(tensor),
            recognised=None if self._localization is None else Recognised(self._localization, tensor),
            mask=self._mask_of(image) if self._mask_of else None,
        )

    @torch.no_grad()
    def score(self, photograph: Image, painting: Image, target: Target, *, seen: _Seen) -> dict[str, Any]:
        """The scores of one painting, by the names in :class:`PictureScores`.

        Args:
            photograph: uint8 [H, W, 3], BGR.
            painting: uint8 [H, W, 3], BGR, the same size.
            target: Result of `style`.
            seen: Result of `look` for the photograph.
        """
        after = self.look(painting)
        masks = None if seen.mask is None or after.mask is None else (after.mask, seen.mask)
        statistics = {name: moments(feature) for name, feature in after.relu.items()}
        return {
            **_strokes(after.correlations, seen.correlations, target.correlations),
            **_recognition(after.recognised, seen.recognised),
            "palette": palette_shift(after.colours, seen.colours, target.colours),
            "saliency_iou": None if masks is None else mask_iou(*masks),
            "ssim": ssim(painting, photograph),
            "edge_f1": edge_f1(painting, photograph),
            "content_loss": float(content_loss(after.relu[CONTENT_LAYER], seen.relu[CONTENT_LAYER])),
            "covariance_errors": {
                name: float(error) for name, error in covariance_errors(statistics, target.moments).items()
            },
        }

    def _correlations(self, image: Tensor) -> Correlations | None:
        return None if self._localization is None else correlations(self._localization, image)

    def _moments(self, image: Tensor) -> dict[str, Moments]:
        return {name: moments(feature) for name, feature in self._loss_network(image).items()}


def _strokes(
    after: Correlations | None, seen: Correlations | None, target: Correlations | None
) -> dict[str, float | None]:
    """`painted`, as the mean and at each scale."""
    names = ("painted", "painted_full", "painted_half", "painted_quarter")
    if after is None or seen is None or target is None:
        return dict.fromkeys(names)
    scales = painted_by_scale(after, seen, target)[0]
    return dict(zip(names, [float(scales.sum()) / 3, *map(float, scales)], strict=True))


def _recognition(now: Recognised | None, before: Recognised | None) -> dict[str, float | None]:
    """What a classifier still recognises."""
    if now is None or before is None:
        return dict.fromkeys(("semantic", "cam_correlation", "cam_iou", "top1_kept"))
    maps = [one.maps_of(before.likeliest)[0].numpy() for one in (now, before)]
    return {
        "semantic": now.semantic(before),
        "cam_correlation": now.map_correlation(before),
        "cam_iou": top_iou(maps[0], maps[1]),
        "top1_kept": float(now.likeliest == before.likeliest),
    }


def evaluate(
    transform: Transform,
    photographs: Sequence[Path],
    style_images: Mapping[str, Path],
    options: EvaluationOptions | None = None,
    *,
    judge: Judge,
    report: Callable[[int, int], None] | None = None,
) -> list[PictureScores]:
    """Paints every photograph in every style and scores the paintings.

    Args:
        transform: Paints; called with the reduced photograph and the style's name.
        photographs: Picture files.
        style_images: Style name -> picture file of the painting.
        options: Sizes.
        judge: The networks.
        report: Called with the number of judged paintings and the total.

    Returns:
        One entry for each photograph and style.

    Raises:
        InputError: A picture cannot be read, or the transform changed a size.
    """

    def paint(photograph: Path, image: Image, style: str) -> Image:
        return transform(image, style)

    options = options or EvaluationOptions()
    targets = judged_targets(style_images, options, judge=judge)
    return judge_paintings(paint, photographs, targets, options, judge=judge, report=report)


def judge_paintings(
    paint: Paint,
    photographs: Sequence[Path],
    targets: Mapping[str, Target],
    options: EvaluationOptions | None = None,
    *,
    judge: Judge,
    report: Callable[[int, int], None] | None = None,
) -> list[PictureScores]:
    """Like :func:`evaluate`, for paintings that depend on the photograph's name: `paint(path, image, style)`."""
    options = options or EvaluationOptions()
    scores: list[PictureScores] = []
    for path in photographs:
        photograph = reduced(read_image(path), long_side_px=options.long_side_px)
        seen = judge.look(photograph)
        for name, target in targets.items():
            painting = paint(path, photograph, name)
            if painting.shape != photograph.shape:
                raise InputError(
                    f"the painting of {path.name} in {name} is {painting.shape[1]}x{painting.shape[0]}, "
                    f"its photograph {photograph.shape[1]}x{photograph.shape[0]}"
                )
            scores.append(
                PictureScores(path.name, name, **judge.score(photograph, painting, target, seen=seen))
            )
            if report is not None:
                report(len(scores), len(photographs) * len(targets))
    return scores


def judged_targets(
    style_images: Mapping[str, Path], options: EvaluationOptions, *, judge: Judge
) -> dict[str, Target]:
    """Runs the judge's networks on the style pictures; returns the results by name."""
    side = options.style_long_side_px
    return {name: judge.style(path, long_side_px=side) for name, path in style_images.items()}


def evaluate_frames(
    transform: Transform, pairs: Sequence[FramePair], styles: Sequence[str]
) -> dict[str, float]:
    """Mean warping error over frame pairs, by style; the key "" is the error of the frames themselves."""
    errors = {"": [warping_error(p.first, p.second, p.flow, p.valid) for p in pairs]}
    for style in styles:
        errors[style] = [
            warping_error(transform(p.first, style), transform(p.second, style), p.flow, p.valid)
            for p in pairs
        ]
    return {name: float(np.mean(values)) for name, values in errors.items()}


def mean_scores(scores: Sequence[PictureScores]) -> dict[str, dict[str, float]]:
    """Means over photographs by style, and the mean over styles as "mean"."""
    styles = {score.style: [s.numbers() for s in scores if s.style == score.style] for score in scores}
    means = {name: _mean(entries) for name, entries in styles.items()}
    return means | {"mean": _mean(list(means.values()))}


def _mean(entries: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([entry[name] for entry in entries])) for name in entries[0]}
