"""Trains the saliency network from masks, activation maps, and the masks of other networks.

There are few pictures with masks, so the encoder starts from ImageNet, views are strongly augmented, and photographs
without a mask are used as well: always by the class activation map of the localization network, and by the mean masks
of trained `teachers` if given. The views of a step depend only on (seed, step), so a resumed training equals an
uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...engine.errors import InputError, UsageError
from ...engine.files import replacing
from ...engine.frame import read_image
from ..device import fast_bfloat16
from ..networks.saliency import (
    SaliencyConfig,
    SaliencyNetwork,
    load_saliency_network,
    predict,
    save_saliency,
    start_from_imagenet,
)
from .calibration import sharpen
from .material import Material, gather_material
from .metrics import BETA_SQUARED, SaliencyScores, score_masks
from .pictures import (
    Augmentation,
    MaskedPicture,
    batch,
    find_masked_pictures,
    read_layers,
    split_masked,
)


@dataclass(frozen=True)
class SaliencyTrainingOptions:
    """All options of a training.

    Attributes:
        masks: Folder with images/ and masks/.
        localization: Weights of SqueezeNet 1.1.
        output: Folder for checkpoint and result.
        photographs: Folder of photographs without masks, or None.
        teachers: Trained saliency networks whose mean masks the photographs get; may be empty.
        start: A trained network of the same sizes to start from instead of ImageNet, or None.
        config: Sizes of the network.
        steps: Number of steps.
        batch: Views per step.
        photograph_share: Share of views from photographs without masks.
        learning_rate: Peak learning rate of the decoder; it warms up and falls along a cosine.
        encoder_rate: Learning rate of the encoder as a share of `learning_rate`.
        frozen: Modules of the encoder that keep their ImageNet weights, which saves half of the backward pass.
        cam_weight: Weight of the activation-map loss relative to the mask loss.
        average: Decay of the averaged weights, which are the result.
        seed: Seed of weights and views.
        checkpoint_seconds: Time between checkpoints.
    """

    masks: Path
    localization: Path
    output: Path
    photographs: Path | None = None
    teachers: tuple[Path, ...] = ()
    start: Path | None = None
    config: SaliencyConfig = field(default_factory=SaliencyConfig)
    steps: int = 4000
    batch: int = 12
    photograph_share: float = 0.3
    learning_rate: float = 1e-3
    encoder_rate: float = 0.3
    frozen: tuple[str, ...] = ("conv1", "fire2", "fire3")
    cam_weight: float = 0.3
    average: float = 0.998
    seed: int = 0
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise UsageError(f"steps and batch must be positive, got {self.steps} and {self.batch}")
        if not 0 <= self.photograph_share < 1:
            raise UsageError(
                f"the share of photographs must be at least 0 and below 1, got {self.photograph_share}"
            )

    def record(self) -> dict[str, Any]:
        """The settings that affect the result, for the file's metadata, with the records of earlier networks.

        Raises:
            InputError: A teacher or the start is missing or not a saliency network.
        """
        paths = {"masks", "localization", "output", "photographs", "teachers", "start", "checkpoint_seconds"}
        settings = {key: value for key, value in asdict(self).items() if key not in paths}
        earlier = {
            "teachers": [load_saliency_network(teacher)[1] for teacher in self.teachers],
            "start": load_saliency_network(self.start)[1] if self.start else None,
        }
        return settings | {"photographs": self.photographs is not None} | earlier


@dataclass(frozen=True)
class SaliencyProgress:
    """Progress after a step: its number and the losses."""

    step: int
    steps: int
    mask_loss: float
    cam_loss: float
    seconds: float


def train_saliency(
    options: SaliencyTrainingOptions, *, report: Callable[[SaliencyProgress], None] | None = None
) -> tuple[SaliencyNetwork, SaliencyScores]:
    """Trains, or continues from the checkpoint in `options.output`.

    Args:
        options: Options of the training.
        report: Called after every step.

    Returns:
        The averaged, sharpened network in evaluation mode, also saved as saliency.safetensors, and its scores on the
        held-out pictures, which are not used otherwise.

    Raises:
        InputError: Pictures, weights, teachers or the checkpoint are missing, unreadable or have other sizes.
    """
    record = options.record()
    torch.manual_seed(options.seed)
    training, held_out = split_masked(find_masked_pictures(options.masks))
    network, averaged = SaliencyNetwork(options.config), SaliencyNetwork(options.config)
    if options.start is None:
        start_from_imagenet(network, options.localization)
    else:
        _start_from(network, options.start)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for name in options.frozen:
        network.encoder.get_submodule(name).requires_grad_(False)
    averaged.load_state_dict(network.state_dict())
    optimizer = _optimizer(network, options)
    step = _resume(options, network, averaged, optimizer)
    if step < options.steps:
        material = gather_material(
            training,
            localization=options.localization,
            photographs=options.photographs,
            teachers=options.teachers,
            cache=options.output / "borrowed",
        )
        _train(options, material, (network, averaged), optimizer, step, report)
    averaged.eval()
    threshold = sharpen(averaged, ((read_layers(p.image)[..., :3], p.truth()) for p in training))
    scores = score_network(averaged, held_out)
    with replacing(options.output / "saliency.safetensors") as path:
        facts = {"held_out": scores.to_dict(), "sharpened_at": round(threshold, 4)}
        save_saliency(path, averaged, training=record | facts)
    return averaged, scores


def score_network(network: SaliencyNetwork, pictures: Sequence[MaskedPicture]) -> SaliencyScores:
    """Scores `network` on pictures of full size, like the exported stage, at the size of their masks."""
    return score_masks(
        (predict(network, np.ascontiguousarray(read_image(p.image)[..., ::-1])), p.truth()) for p in pictures
    )


def mask_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy, absolute error, and one minus the relaxed F-measure (beta^2 = 0.3), for each picture: float [N].

    Masks are scored by the last two; the F-measure favours precision, so uncertain pixels become background.

    Args:
        logits: float [N, H, W].
        mask: float [N, H, W] in [0, 1].

    Source: Zhao et al., "Optimizing the F-measure for threshold-free salient object detection", ICCV 2019.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none").mean(dim=(1, 2))
    soft = torch.sigmoid(logits)
    error = (soft - mask).abs().mean(dim=(1, 2))
    common = (soft * mask).sum(dim=(1, 2))
    sizes = BETA_SQUARED * mask.sum(dim=(1, 2)) + soft.sum(dim=(1, 2))
    return entropy + error + 1 - ((1 + BETA_SQUARED) * common + 1) / (sizes + 1)


def _train(
    options: SaliencyTrainingOptions,
    material: Material,
    networks: tuple[SaliencyNetwork, SaliencyNetwork],
    optimizer: torch.optim.Optimizer,
    step: int,
    report: Callable[[SaliencyProgress], None] | None,
) -> None:
    network, averaged = networks
    augmentation = Augmentation([layers for group in material.groups for layers in group])
    started = saved = time.monotonic()
    network.train()
    try:
        while step < options.steps:
            _set_rate(optimizer, options, step)
            losses = _step(options, material, augmentation, network, optimizer, step)
            step += 1
            _average(averaged, network, min(options.average, step / (step + 10)))
            if report is not None:
                report(SaliencyProgress(step, options.steps, *losses, time.monotonic() - started))
            if time.monotonic() - saved > options.checkpoint_seconds:
                _checkpoint(options, network, averaged, optimizer, step)
                saved = time.monotonic()
    finally:
        _checkpoint(options, network, averaged, optimizer, step)


def _step(
    options: SaliencyTrainingOptions,
    material: Material,
    augmentation: Augmentation,
    network: SaliencyNetwork,
    optimizer: torch.optim.Optimizer,
    step: int,
) -> tuple[float, float]:
    rng = np.random.default_rng([options.seed, step])
    size = _view_size(options.config, rng)
    share = options.photograph_share if material.photographs else 0.0
    plain = rng.random(options.batch) < share
    views = [augmentation.view(material.draw(bool(flag), rng), size, rng) for flag in plain]
    image, mask, cam = (torch.from_numpy(array) for array in batch(views))
    judged = torch.ones(len(plain)) if options.teachers else torch.from_numpy(~plain).float()
    with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16()):
        logits, cam_logits = network(image.contiguous(memory_format=torch.channels_last))
    logits, cam_logits = logits.float(), cam_logits.float()
    full = functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)[:, 0]
    loss = (mask_loss(full, mask) * judged).sum() / judged.sum().clamp(min=1)
    target = functional.adaptive_avg_pool2d(cam[:, None], cam_logits.shape[2:])
    cam_loss = (torch.sigmoid(cam_logits) - target).square().mean()
    optimizer.zero_grad(set_to_none=True)
    (loss + options.cam_weight * cam_loss).backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimizer.step()
    return float(loss.detach()), float(cam_loss.detach())


def _view_size(config: SaliencyConfig, rng: np.random.Generator) -> tuple[int, int]:
    height, width = config.landscape_px
    sizes = [config.landscape_px, config.landscape_px, config.square_px, (width, height)]
    return sizes[rng.integers(len(sizes))]


def _start_from(network: SaliencyNetwork, path: Path) -> None:
    first = load_saliency_network(path)[0]
    if (first.config.last, first.config.width) != (network.config.last, network.config.width):
        raise UsageError(
            f"{path} ends at {first.config.last} with width {first.config.width}, but the network to train at "
            f"{network.config.last} with {network.config.width}: the sizes must be the same"
        )
    network.load_state_dict(first.state_dict())


def _optimizer(network: SaliencyNetwork, options: SaliencyTrainingOptions) -> torch.optim.Optimizer:
    named = [(name, tensor) for name, tensor in network.named_parameters() if tensor.requires_grad]
    encoder = [tensor for name, tensor in named if name.startswith("encoder.")]
    decoder = [tensor for name, tensor in named if not name.startswith("encoder.")]
    groups = [{"params": encoder, "share": options.encoder_rate}, {"params": decoder, "share": 1.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=1e-3)


def _set_rate(optimizer: torch.optim.Optimizer, options: SaliencyTrainingOptions, step: int) -> None:
    warm = min(1.0, (step + 1) / min(200, options.steps))
    rate = options.learning_rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * step / options.steps)) / 2)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]


@torch.no_grad()
def _average(averaged: SaliencyNetwork, network: SaliencyNetwork, decay: float) -> None:
    for mean, tensor in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(tensor, 1 - decay)
        else:
            mean.copy_(tensor)


def _checkpoint(
    options: SaliencyTrainingOptions,
    network: SaliencyNetwork,
    averaged: SaliencyNetwork,
    optimizer: torch.optim.Optimizer,
    step: int,
) -> None:
    states = {
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with replacing(options.output / "checkpoint.pt") as path:
        torch.save(states | {"step": step}, path)


def _resume(
    options: SaliencyTrainingOptions,
    network: SaliencyNetwork,
    averaged: SaliencyNetwork,
    optimizer: torch.optim.Optimizer,
) -> int:
    path = options.output / "checkpoint.pt"
    if not path.is_file():
        return 0
    try:
        states = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(states["network"])
        averaged.load_state_dict(states["averaged"])
        optimizer.load_state_dict(states["optimizer"])
        return int(states["step"])
    except Exception as error:  # zip, pickle, missing keys and other shapes all mean a wrong checkpoint
        raise InputError(
            f"{path} is not a checkpoint of this training: give another --output, or the same sizes as before"
        ) from error
