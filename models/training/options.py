"""The options of a training, written to every checkpoint and model card."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError

#: Layers of the style term with their shares. Strokes and facets are in relu3_1 and relu3_3.
STYLE_LAYERS = {
    "relu1_1": 0.8,
    "relu2_1": 1.5,
    "relu3_1": 2.5,
    "relu3_3": 2.0,
    "relu4_1": 1.0,
    "relu5_1": 0.3,
}
#: Layers of the content term with their shares. More of relu3_3 would ask for the photograph's texture.
CONTENT_LAYERS = {"relu4_1": 1.0, "relu3_3": 0.2}
STATISTICS = ("moments", "gram")


@dataclass(frozen=True)
class TermWeights:
    """Weights of the loss terms; a term with weight 0 is not computed.

    Attributes:
        style: Means and centred covariances of the style layers at two scales, or Gram matrices.
        match: Every place of the painting against the most similar place of the style picture (see `style_matching`).
        content: Instance-normalised features of the luma, with more weight in the salient region.
        variation: Total variation.
        mesh: A pattern of four pixels, which upsampling leaves.
        clipping: Excess over [0, 1].
        cam: Region loss, class activation maps.
        category: Region loss, cross-entropy.
        edge: Sobel magnitude.
        shape: Saliency mask of the painting against the photograph's.
        color: Low-pass chroma.
        temporal: Painting of the warped photograph against the warped painting, by pixel and by large patch, relative
            to their contrast.
    """

    style: float = 1.0
    match: float = 0.0
    content: float = 0.2
    variation: float = 0.02
    mesh: float = 2000.0
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
                raise UsageError(f"the weight of {name} is {value}: expected 0 or more")


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a training.

    Attributes:
        paintings: Style name -> picture file.
        photographs: Folder of photographs.
        weights_directory: Folder of the loss network's and the localization network's weights, searched before
            the caches.
        output: Folder for checkpoints, samples and logs.
        config: Name in `transformer.CONFIGS`.
        loss_network: `compact-encoder` (cheap), `wide`, `compact`, `vgg19`.
        style_layers: Layers whose statistics are compared, each with its share.
        content_layers: Layers that the content term compares, each with its share.
        style_statistics: `moments`, or `gram` for the loss of Gatys et al. 2016, which sees colour and few strokes.
        style_scales: The painting is compared at its size divided by each of these: coarse ones make large forms.
        steps: Optimizer steps in all.
        batch: Photographs per step.
        crop_px: Side of a crop.
        margin: The losses see a random part of each painted crop, smaller by twice this share of its side. A frame
            around the picture helps the statistics; where it is not always in view, it is not worth painting. 0 for
            the whole crop.
        learning_rate: At the start; it falls to a hundredth along a half cosine.
        vector_rate: Factor on it for style vectors.
        losses: Weights of the terms.
        ramp_start: Step at which region, edge, colour and temporal terms begin.
        ramp_steps: Steps over which they reach their weights.
        style_long_side_px: Long side to which paintings are reduced: the scale of the strokes.
        style_scale: Exceptions by style name: factor on `style_long_side_px`.
        content_scale: Exceptions by style name: factor on the weight of the content.
        style_share: Exceptions by style name: how many times in each round of the styles.
        encoder_paintings: Folders of paintings from which a style encoder learns beside the styles; empty for none.
        encoder_batch: Photographs per step that are painted by the encoder's vectors, beside `batch`.
        encoder_rate: Factor on the learning rate for the encoder.
        encoder_alone: Only the encoder learns, against the trunk of `Trainer(warm_start=)`; `batch` is not used.
        salient_share: How much more the content counts where the saliency mask is 1 than where it is 0.
        gate_drop: How far `painted` may fall below its value at the start of the ramp before the weight of the region
            loss is lowered (see `gate`); 0 for never.
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
    style_layers: dict[str, float] = field(default_factory=lambda: dict(STYLE_LAYERS))
    content_layers: dict[str, float] = field(default_factory=lambda: dict(CONTENT_LAYERS))
    style_statistics: str = "moments"
    style_scales: tuple[int, ...] = (1, 2, 4)
    steps: int = 40000
    batch: int = 4
    crop_px: int = 224
    margin: float = 0.07
    learning_rate: float = 2e-3
    vector_rate: float = 4.0
    losses: TermWeights = field(default_factory=TermWeights)
    ramp_start: int = 2000
    ramp_steps: int = 2000
    style_long_side_px: int = 448
    style_scale: dict[str, float] = field(default_factory=dict)
    content_scale: dict[str, float] = field(default_factory=dict)
    style_share: dict[str, int] = field(default_factory=dict)
    encoder_paintings: tuple[Path, ...] = ()
    encoder_batch: int = 2
    encoder_rate: float = 0.25
    encoder_alone: bool = False
    salient_share: float = 2.5
    gate_drop: float = 0.03
    ema: float = 0.999
    gradient_clip: float = 1.0
    seed: int = 0
    device: str = "cpu"
    bfloat16: bool | None = None
    checkpoint_seconds: float = 180.0
    sample_steps: int = 500
    hold_out: bool = True

    def __post_init__(self) -> None:
        if self.encoder_alone and not self.encoder_paintings:
            raise UsageError("encoder_alone needs encoder_paintings: folders of paintings to learn from")
        if not 0 <= self.margin <= 0.25:
            raise UsageError(f"margin {self.margin}: expected 0 to 0.25, shares of the crop's side")
        if 1 not in self.style_scales:
            raise UsageError(f"style scales {self.style_scales}: 1, the full size, must be among them")
        if self.style_statistics not in STATISTICS:
            raise UsageError(
                f"style statistics {self.style_statistics!r}: known are {' and '.join(STATISTICS)}"
            )


def plain_options(options: TrainingOptions) -> dict[str, Any]:
    """Options as JSON values, with file names without folders."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(options), default=lambda path: path.name))
    return plain
