"""Sharpening of a trained saliency network, so that 0.5 is the threshold that judges best.

Trained masks are vague, and too generous on pictures that the network has not seen: cross-entropy asks for a
probability where a viewer, and the mean absolute error, want a yes or a no. The logits x become GAIN (x - x0), where x0
belongs to the threshold of the best F-measure on the training pictures. The order of the pixels, and with it the
F-measure at the best threshold, stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from ..networks.saliency import Image, SaliencyNetwork, predict
from .metrics import score_masks

GAIN = 2.0


def sharpen(network: SaliencyNetwork, pairs: Iterable[tuple[Image, NDArray[np.bool_]]]) -> float:
    """Sharpens `network` in place, in the weights of its last convolution.

    Args:
        network: in evaluation mode.
        pairs: training pictures uint8 [H, W, 3] RGB and their drawn regions bool [H, W].

    Returns:
        The threshold that was the best and is now 0.5.

    Raises:
        ValueError: there is no pair.
    """
    scores = score_masks((predict(network, image, size=truth.shape), truth) for image, truth in pairs)
    threshold = min(scores.f_max_threshold, 1 - 1 / 255)
    with torch.no_grad():
        weight, bias = network.mask_head.weight, network.mask_head.bias
        assert bias is not None
        weight *= GAIN
        bias.copy_(GAIN * (bias - math.log(threshold / (1 - threshold))))
    return threshold
