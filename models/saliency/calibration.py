"""Sharpens a trained saliency network, so that 0.5 is the best threshold.

Trained masks are vague, and too large on new pictures: cross-entropy rewards probabilities, while viewers and the mean
absolute error want a clear decision. The logits x become GAIN (x - x0), where x0 is the threshold with the best
F-measure on the training pictures. The order of the pixels, and so the F-measure at the best threshold, does not
change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from ..networks.saliency import Image, SaliencyNetwork, predict
from .metrics import score_masks

GAIN = 4.0


def sharpen(network: SaliencyNetwork, pairs: Iterable[tuple[Image, NDArray[np.bool_]]]) -> float:
    """Sharpens `network` in place, in the weights of its last convolution.

    Args:
        network: The network, in evaluation mode.
        pairs: Training pictures uint8 [H, W, 3] RGB with their drawn regions bool [H, W].

    Returns:
        The previous best threshold, which is now 0.5.

    Raises:
        ValueError: There are no pairs.
    """
    scores = score_masks((predict(network, image, size=truth.shape), truth) for image, truth in pairs)
    threshold = min(scores.f_max_threshold, 1 - 1 / 255)
    with torch.no_grad():
        weight, bias = network.mask_head.weight, network.mask_head.bias
        assert bias is not None
        weight *= GAIN
        bias.copy_(GAIN * (bias - math.log(threshold / (1 - threshold))))
    return threshold


def soften(network: SaliencyNetwork) -> None:
    """Makes the masks of a sharpened network vague again, so that its training can go on."""
    with torch.no_grad():
        assert network.mask_head.bias is not None
        network.mask_head.weight /= GAIN
        network.mask_head.bias /= GAIN
