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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...engine.errors import InputError, UsageError
from ...engine.files import replacing
from ...engine.frame import read_image
from ..device import bfloat16_pays, training_device
from ..networks.saliency import (
    SaliencyNetwork,
    load_saliency_network,
    predict,
    save_saliency,
    start_from_imagenet,
)
from ..photos import unit_range
from ..step_batches import loaded
from .calibration import sharpen, soften
from .metrics import BETA_SQUARED, SaliencyScores, score_masks
from .options import SaliencyTrainingOptions
from .pictures import MaskedPicture, find_masked_pictures, read_layers, split_masked
from .training_data import TrainingData, gather_training_data
from .views import StepViews, Views

#: Steps on a GPU between two reports; each reads the losses, which waits for the GPU.
GPU_REPORT_STEPS = 20


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
        report: Called after every step on the CPU, and after every :data:`GPU_REPORT_STEPS` on a GPU.

    Returns:
        The averaged, sharpened network in evaluation mode, also saved as saliency.safetensors, and its scores on the
        held-out pictures, which are not used otherwise.

    Raises:
        InputError: Pictures, weights, teachers or the checkpoint are missing, unreadable or have other sizes.
        UsageError: There is no such device, or the start has other sizes.
    """
    record, device = options.record(), training_device(options.device)
    torch.manual_seed(options.seed)
    training, held_out = split_masked(find_masked_pictures(options.masks))
    network, averaged = SaliencyNetwork(options.config), SaliencyNetwork(options.config)
    if options.start is None:
        start_from_imagenet(network, options.localization)
    else:
        _start_from(network, options.start)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for name in options.frozen:
        network.encoder.get_submodule(name).requires_grad_(False)
    averaged.load_state_dict(network.state_dict())
    optimizer = _optimizer(network, options)
    step = _resume(options, network, averaged, optimizer)
    if step < options.steps:
        data = gather_training_data(
            training,
            localization=options.localization,
            photographs=options.photographs,
            teachers=options.teachers,
            cache=options.output / "borrowed",
        )
        _train(options, data, (network, averaged), optimizer, step, report)
    averaged.cpu().eval()
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
    data: TrainingData,
    networks: tuple[SaliencyNetwork, SaliencyNetwork],
    optimizer: torch.optim.Optimizer,
    step: int,
    report: Callable[[SaliencyProgress], None] | None,
) -> None:
    network, averaged = networks
    device = torch.device(options.device)
    every = GPU_REPORT_STEPS if device.type == "cuda" else 1
    batches = loaded(StepViews(options, data, step=step), device=device)
    started = saved = time.monotonic()
    network.train()
    try:
        while step < options.steps:
            _set_rate(optimizer, options, step)
            losses = _step(options, network, optimizer, next(batches))
            step += 1
            _average(averaged, network, min(options.average, step / (step + 10)))
            if report is not None and (step % every == 0 or step == options.steps):
                seconds = time.monotonic() - started
                mask, cam = (float(loss) for loss in losses)
                report(SaliencyProgress(step, options.steps, mask, cam, seconds))
            if time.monotonic() - saved > options.checkpoint_seconds:
                _checkpoint(options, network, averaged, optimizer, step)
                saved = time.monotonic()
    finally:
        _checkpoint(options, network, averaged, optimizer, step)


def _step(
    options: SaliencyTrainingOptions,
    network: SaliencyNetwork,
    optimizer: torch.optim.Optimizer,
    views: Views,
) -> tuple[Tensor, Tensor]:
    """One step, without waiting for a GPU; returns the losses of masks and activation maps, float []."""
    device = torch.device(options.device)
    image, mask, cam = torch.split(unit_range(views.layers.to(device, non_blocking=True)), [3, 1, 1], dim=1)
    judged = torch.ones_like(views.unmasked) if options.teachers else ~views.unmasked
    judged = judged.to(device, non_blocking=True).float()
    with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16_pays(device)):
        logits, cam_logits = network(image.contiguous(memory_format=torch.channels_last))
    logits, cam_logits = logits.float(), cam_logits.float()
    full = functional.interpolate(logits, size=mask.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    loss = (mask_loss(full, mask[:, 0]) * judged).sum() / judged.sum().clamp(min=1)
    target = functional.adaptive_avg_pool2d(cam, cam_logits.shape[2:])
    cam_loss = (torch.sigmoid(cam_logits) - target).square().mean()
    optimizer.zero_grad(set_to_none=True)
    (loss + options.cam_weight * cam_loss).backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimizer.step()
    return loss.detach(), cam_loss.detach()


def _start_from(network: SaliencyNetwork, path: Path) -> None:
    first = load_saliency_network(path)[0]
    if (first.config.last, first.config.width) != (network.config.last, network.config.width):
        raise UsageError(
            f"{path} ends at {first.config.last} with width {first.config.width}, but the network to train at "
            f"{network.config.last} with {network.config.width}: the sizes must be the same"
        )
    network.load_state_dict(first.state_dict())
    soften(network)


def _optimizer(network: SaliencyNetwork, options: SaliencyTrainingOptions) -> torch.optim.Optimizer:
    named = [(name, tensor) for name, tensor in network.named_parameters() if tensor.requires_grad]
    encoder = [tensor for name, tensor in named if name.startswith("encoder.")]
    decoder = [tensor for name, tensor in named if not name.startswith("encoder.")]
    groups = [{"params": encoder, "share": options.encoder_rate}, {"params": decoder, "share": 1.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=options.weight_decay)


def _set_rate(optimizer: torch.optim.Optimizer, options: SaliencyTrainingOptions, step: int) -> None:
    warm = min(1.0, (step + 1) / min(200, options.steps))
    rate = options.learning_rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * step / options.steps)) / 2)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]


@torch.no_grad()
def _average(averaged: SaliencyNetwork, network: SaliencyNetwork, decay: float) -> None:
    pairs = list(zip(averaged.state_dict().values(), network.state_dict().values(), strict=True))
    floats = [pair for pair in pairs if pair[0].is_floating_point()]
    torch._foreach_lerp_([mean for mean, _ in floats], [tensor for _, tensor in floats], 1 - decay)
    for mean, tensor in pairs:
        if not mean.is_floating_point():
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
