"""Options of a training of the saliency network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ..networks.saliency import SaliencyConfig, load_saliency_network

#: Modules of the encoder that few pictures cannot improve.
EARLY_LAYERS = ("fire2", "fire3")


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
        weight_decay: Weight decay of AdamW.
        frozen: Modules of the encoder that keep their weights, which saves half of the backward pass.
        cam_weight: Weight of the activation-map loss relative to the mask loss.
        average: Decay of the averaged weights, which are the result.
        seed: Seed of weights and views.
        checkpoint_seconds: Time between checkpoints.
        device: `cpu` or `cuda`.
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
    weight_decay: float = 1e-3
    frozen: tuple[str, ...] = ("conv1", *EARLY_LAYERS)
    cam_weight: float = 0.3
    average: float = 0.998
    seed: int = 0
    checkpoint_seconds: float = 60.0
    device: str = "cpu"

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
        elsewhere = {"masks", "localization", "output", "photographs", "teachers", "start"}
        elsewhere |= {"checkpoint_seconds", "device"}
        settings = {key: value for key, value in asdict(self).items() if key not in elsewhere}
        earlier = {
            "teachers": [load_saliency_network(teacher)[1] for teacher in self.teachers],
            "start": load_saliency_network(self.start)[1] if self.start else None,
        }
        return settings | {"photographs": self.photographs is not None} | earlier
