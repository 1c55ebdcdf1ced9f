"""The style encoder: computes the style vector of any painting from its picture in one pass.

    painting [3, H, W] -> SqueezeNet's first layers -> means and deviations at four depths -> two layers -> vector [D]

A style is described by the statistics of features, not by their positions (Gatys et al. 2016; Huang and Belongie 2017,
arXiv:1703.06868), so the encoder uses only statistics. Predicting the vector of a conditional trunk: Ghiasi et al.,
"Exploring the structure of a real-time, arbitrary neural artistic stylization network", 2017 (arXiv:1705.06830).
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .localization import load_localization_network
from .saliency import DEVIATION, MEAN, Encoder

LAST = "fire7"
HIDDEN = 256
EPSILON = 1e-5


class StyleEncoder(nn.Module):
    """Maps a picture to a style vector.

    Args:
        style_size: Length D of the trunk's style vectors.
    """

    mean: Tensor
    deviation: Tensor
    center: Tensor
    spread: Tensor

    def __init__(self, style_size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).reshape(1, 3, 1, 1), persistent=False)
        self.features = Encoder(LAST)
        size = 2 * sum(self.features.channels(name) for name in ("conv1", "fire3", "fire5", LAST))
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.hidden = nn.Linear(size, HIDDEN)
        self.out = nn.Linear(HIDDEN, style_size)

    def forward(self, painting: Tensor) -> Tensor:
        """Computes the style vector.

        Args:
            painting: float [N, 3, H, W], RGB in [0, 1], at least 32 px on each side.

        Returns:
            float [N, D].
        """
        known = (self.statistics(painting) - self.center) / self.spread
        vector: Tensor = self.out(F.relu(self.hidden(known)))
        return vector

    def statistics(self, painting: Tensor) -> Tensor:
        """Means and deviations of the channels at four depths: float [N, S]."""
        parts = []
        for features in self.features((painting - self.mean) / self.deviation):
            features = features.float()  # variances need the precision
            mean = features.mean(dim=(2, 3), keepdim=True)
            variance = (features - mean).square().mean(dim=(2, 3))
            parts += [mean[:, :, 0, 0], (variance + EPSILON).sqrt()]
        return torch.cat(parts, dim=1)

    def start(self, path: Path, vectors: Tensor, paintings: Tensor) -> None:
        """Initialises from ImageNet's features and from known vectors.

        Args:
            path: Weights of SqueezeNet 1.1.
            vectors: float [S, D], good vectors of the trunk; their mean is the first prediction for every painting.
            paintings: float [N, 3, H, W], a sample, whose statistics are normalised to mean 0 and deviation 1.

        Raises:
            InputError: The weights are missing, or belong to another network.
        """
        known = load_localization_network(path).state_dict()
        self.features.load_state_dict({name: known[name] for name in self.features.state_dict()})
        with torch.no_grad():
            statistics = torch.cat([self.statistics(picture[None]) for picture in paintings])
            self.center.copy_(statistics.mean(dim=0))
            self.spread.copy_(statistics.std(dim=0) + 1e-3)
            self.out.weight.mul_(0.3)
            self.out.bias.copy_(vectors.mean(dim=0))
