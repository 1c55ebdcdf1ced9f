"""Evaluation: how far a painting went towards its style, and what it kept of its photograph.

One yardstick for everything: shipped stages, trunks in training, and pictures that any other program made. The
definitions stand in docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..engine.errors import InputError
from ..engine.frame import Image, read_image
from .frame_pairs import FramePair
from .localization import LocalizationNetwork, load_localization_network
from .loss_networks import CONTENT_LAYER, LossNetwork, load_loss_network
from .losses import class_maps, content_loss, correlation, gram, style_loss
from .metrics import edge_f1, mask_iou, reduced, ssim, top_iou, warping_error
from .photos import load_painting
from .pretrained import locate

Transform = Callable[[Image, str], Image]
"""(photograph uint8 [H, W, 3] BGR, style name) -> painting of the same size and kind."""
Paint = Callable[[Path, Image, str], Image]
"""The same with the photograph's file before it."""
MaskOf = Callable[[Image], NDArray[np.float32]]
"""Picture uint8 [H, W, 3] BGR -> mask float32 [h, w] in [0, 1]."""

SQUEEZENET_STYLE_LAYERS = ("conv1", "fire3", "fire5", "fire7", "fire9")
SQUEEZENET_CONTENT_LAYER = "fire7"


@dataclass(frozen=True)
class EvaluationOptions:
    """What is compared.

    Attributes:
        long_side_px: photographs are reduced to this, never enlarged.
        style_long_side_px: style pictures likewise; it is part of what a style is.
        style_sizes: exceptions by style name.
    """

    long_side_px: int = 384
    style_long_side_px: int = 512
    style_sizes: Mapping[str, int] | None = None

    def style_size(self, name: str) -> int:
        """Long side of one style picture in pixels."""
        return (self.style_sizes or {}).get(name, self.style_long_side_px)


@dataclass(frozen=True)
class PictureScores:
    """One painting, judged. Losses are better when small, the rest when large.

    Attributes:
        photograph: file name of the photograph.
        style: name of the style.
        style_loss: Gram matrices of five layers, relative to the style's energy.
        content_loss: relu4_1, relative to the photograph's energy.
        squeezenet_style_loss: the same as `style_loss` by SqueezeNet's features.
        squeezenet_content_loss: the same as `content_loss` by SqueezeNet's features.
        cam_correlation: of the activation maps of the photograph's class.
        cam_iou: overlap of the top fifth of these maps.
        top1_kept: 1 when the painting's likeliest class is the photograph's, else 0.
        saliency_iou: overlap of the saliency masks; None without a saliency network.
        ssim: structural similarity of the lumas.
        edge_f1: of the edges.
    """

    photograph: str
    style: str
    style_loss: float
    content_loss: float
    squeezenet_style_loss: float
    squeezenet_content_loss: float
    cam_correlation: float
    cam_iou: float
    top1_kept: float
    saliency_iou: float | None
    ssim: float
    edge_f1: float

    def numbers(self) -> dict[str, float]:
        """The scores by name, without those that are None."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, float)}


@dataclass(frozen=True)
class _Seen:
    """A picture through all networks."""

    relu: dict[str, Tensor]
    squeezenet: dict[str, Tensor]
    maps: Tensor
    mask: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Target:
    """Gram matrices of a style picture."""

    relu: dict[str, Tensor]
    squeezenet: dict[str, Tensor]


class Judge:
    """The networks of the yardstick.

    Args:
        loss_network: gives the features of style and content loss.
        localization: SqueezeNet 1.1.
        mask_of: gives saliency masks, or None to leave them out.
    """

    def __init__(
        self, loss_network: LossNetwork, localization: LocalizationNetwork, *, mask_of: MaskOf | None = None
    ) -> None:
        self._loss_network = loss_network
        self._localization = localization
        self._mask_of = mask_of

    @classmethod
    def load(cls, *, weights: str | Path | None = None, mask_of: MaskOf | None = None) -> Judge:
        """The judge of all published figures: the `compact` loss network and SqueezeNet 1.1.

        Args:
            weights: folder of the weight files, searched before the caches.
            mask_of: gives saliency masks, or None.

        Raises:
            InputError: weights are nowhere; the message says which and where to get them.
        """
        folder = locate("compact", directory=weights)[0].parent
        localization = load_localization_network(locate("squeezenet1_1", directory=weights)[0])
        return cls(load_loss_network("compact", directory=folder), localization, mask_of=mask_of)

    @torch.no_grad()
    def style(self, picture: Path, *, long_side_px: int) -> _Target:
        """What paintings of this style are compared with.

        Raises:
            InputError: the picture is missing or unreadable.
        """
        image = load_painting(picture, long_side_px=long_side_px)
        features = self._localization.features(image)
        return _Target(
            {name: gram(feature) for name, feature in self._loss_network(image).items()},
            {name: gram(features[name]) for name in SQUEEZENET_STYLE_LAYERS},
        )

    @torch.no_grad()
    def look(self, image: Image) -> _Seen:
        """One picture, uint8 [H, W, 3] BGR, through all networks."""
        tensor = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1)[None].float() / 255
        network = self._localization
        return _Seen(
            relu=self._loss_network(tensor),
            squeezenet=network.features(tensor),
            maps=network(network.prepare(tensor)),
            mask=self._mask_of(image) if self._mask_of else None,
        )

    @torch.no_grad()
    def score(self, photograph: Image, painting: Image, target: _Target, *, seen: _Seen) -> dict[str, Any]:
        """The scores of :class:`PictureScores`, by name, of one painting.

        Args:
            photograph: uint8 [H, W, 3], BGR.
            painting: the same size.
            target: what `style` gave.
            seen: what `look` gave for the photograph.
        """
        after = self.look(painting)
        logits = [self._localization.logits(maps).argmax(dim=1) for maps in (seen.maps, after.maps)]
        cams = [class_maps(maps, logits[0]) for maps in (seen.maps, after.maps)]
        masks = None if seen.mask is None or after.mask is None else (after.mask, seen.mask)
        squeezenet = {name: gram(after.squeezenet[name]) for name in SQUEEZENET_STYLE_LAYERS}
        deep = SQUEEZENET_CONTENT_LAYER
        return {
            "style_loss": float(style_loss({n: gram(f) for n, f in after.relu.items()}, target.relu)),
            "content_loss": float(content_loss(after.relu[CONTENT_LAYER], seen.relu[CONTENT_LAYER])),
            "squeezenet_style_loss": float(style_loss(squeezenet, target.squeezenet)),
            "squeezenet_content_loss": float(content_loss(after.squeezenet[deep], seen.squeezenet[deep])),
            "cam_correlation": float(correlation(cams[1], cams[0])),
            "cam_iou": top_iou(cams[1][0].numpy(), cams[0][0].numpy()),
            "top1_kept": float(logits[0] == logits[1]),
            "saliency_iou": None if masks is None else mask_iou(*masks),
            "ssim": ssim(painting, photograph),
            "edge_f1": edge_f1(painting, photograph),
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
    """Paints every photograph in every style and judges the paintings.

    Args:
        transform: paints; called with the reduced photograph and the style's name.
        photographs: picture files.
        style_images: style name -> picture file of the painting.
        options: sizes.
        judge: the networks.
        report: called with paintings judged so far and in all.

    Returns:
        One entry for each photograph and style.

    Raises:
        InputError: a picture cannot be read, or the transform changed a size.
    """

    def paint(photograph: Path, image: Image, style: str) -> Image:
        return transform(image, style)

    return judge_paintings(paint, photographs, style_images, options, judge=judge, report=report)


def judge_paintings(
    paint: Paint,
    photographs: Sequence[Path],
    style_images: Mapping[str, Path],
    options: EvaluationOptions | None = None,
    *,
    judge: Judge,
    report: Callable[[int, int], None] | None = None,
) -> list[PictureScores]:
    """Like :func:`evaluate`, for paintings that depend on the photograph's name: `paint(path, image, style)`."""
    options = options or EvaluationOptions()
    targets = {
        name: judge.style(path, long_side_px=options.style_size(name)) for name, path in style_images.items()
    }
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


def evaluate_frames(
    transform: Transform, pairs: Sequence[FramePair], styles: Sequence[str]
) -> dict[str, float]:
    """Mean warping error over frame pairs, by style; the key "" holds that of the frames themselves."""
    errors = {"": [warping_error(p.first, p.second, p.flow, p.valid) for p in pairs]}
    for style in styles:
        errors[style] = [
            warping_error(transform(p.first, style), transform(p.second, style), p.flow, p.valid)
            for p in pairs
        ]
    return {name: float(np.mean(values)) for name, values in errors.items()}


def mean_scores(scores: Sequence[PictureScores]) -> dict[str, dict[str, float]]:
    """Means over photographs by style, and under "mean" the mean over styles."""
    styles = {score.style: [s.numbers() for s in scores if s.style == score.style] for score in scores}
    means = {name: _mean(entries) for name, entries in styles.items()}
    return means | {"mean": _mean(list(means.values()))}


def _mean(entries: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([entry[name] for entry in entries])) for name in entries[0]}
