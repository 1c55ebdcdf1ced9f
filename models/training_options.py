"""What a training is told: one frozen value, written into every checkpoint and model card."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..engine.errors import UsageError


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; one with weight 0 is not computed.

    Attributes:
        style: Gram matrices of five layers, each relative to the style's energy.
        content: relu4_1, relative to the photograph's energy.
        variation: Total variation.
        clipping: Excess over [0, 1].
        cam: Region loss, class activation maps.
        category: Region loss, cross-entropy.
        edge: Sobel magnitude.
        shape: Saliency mask of the painting against the photograph's.
        color: Low-pass chroma.
        temporal: Painting of the warped photograph against the warped painting.
    """

    style: float = 1.0
    content: float = 0.25
    variation: float = 0.5
    clipping: float = 10.0
    cam: float = 0.0
    category: float = 0.0
    edge: float = 0.0
    shape: float = 0.0
    color: float = 0.0
    temporal: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < float("inf"):
                raise UsageError(f"the weight of {name} is {value}: it must be a number from 0 up")


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        paintings: Style name -> picture file.
        photographs: Folder of photographs.
        weights_directory: Folder of the loss network's and the localization network's weights, searched before
            the caches.
        output: Folder for checkpoints, samples and logs.
        config: Name in `transformer.CONFIGS`.
        loss_network: `compact-encoder` (cheap), `compact`, `vgg19`.
        steps: Optimizer steps in all.
        batch: Photographs per step.
        crop_px: Side of a crop.
        learning_rate: At the start; it falls to a hundredth along a half cosine.
        losses: Weights of the terms.
        ramp_start: Step at which region, edge, colour and temporal terms begin.
        ramp_steps: Steps over which they reach their weights.
        style_long_side_px: Long side to which paintings are reduced: the scale of the strokes.
        style_scale: Exceptions by style name: factor on `style_long_side_px`.
        ema: Decay of the averaged weights.
        gradient_clip: Largest norm of the gradient.
        seed: Seed of everything random.
        device: `cpu` or `cuda`.
        bfloat16: Autocast to bfloat16; by default where the device has it in hardware.
        checkpoint_seconds: Time between checkpoints.
        sample_steps: Steps between sample sheets.
        hold_out: Keep the evaluation photographs out (see `photos.split_held_out`).
    """

    paintings: dict[str, Path]
    photographs: Path
    output: Path
    weights_directory: Path | None = None
    config: str = "small"
    loss_network: str = "compact-encoder"
    steps: int = 20000
    batch: int = 2
    crop_px: int = 288
    learning_rate: float = 2e-3
    losses: LossWeights = field(default_factory=LossWeights)
    ramp_start: int = 2000
    ramp_steps: int = 2000
    style_long_side_px: int = 512
    style_scale: dict[str, float] = field(default_factory=dict)
    ema: float = 0.999
    gradient_clip: float = 1.0
    seed: int = 0
    device: str = "cpu"
    bfloat16: bool | None = None
    checkpoint_seconds: float = 180.0
    sample_steps: int = 500
    hold_out: bool = True
