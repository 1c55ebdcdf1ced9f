"""Masks for photographs without one: the mean prediction of trained networks, at two scales and mirrored.

Networks with different size, grid or seed make different errors, so their mean is better than each of them, and a small
network can learn it from many more pictures than have hand-drawn masks. The masks stay soft, because a threshold would
hide the teachers' uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from ..networks.saliency import SIZE_MULTIPLE, Image, Mask, SaliencyNetwork

SCALES = (1.0, 1.5)


def teacher_mask(teachers: Sequence[SaliencyNetwork], image: Image) -> Image:
    """Computes a soft mask for one photograph.

    Args:
        teachers: Trained networks in evaluation mode, at least one.
        image: uint8 [H, W, 3], RGB.

    Returns:
        uint8 [H, W], 0 to 255.
    """
    masks = [multiscale_mask(teacher, image) for teacher in teachers]
    return np.asarray(np.round(np.mean(masks, axis=0) * 255), np.uint8)


@torch.no_grad()
def multiscale_mask(network: SaliencyNetwork, image: Image) -> Mask:
    """Mean mask over two scales, each mirrored too: float32 [H, W] for a picture uint8 [H, W, 3] RGB."""
    total = np.zeros(image.shape[:2], np.float32)
    for scale in SCALES:
        rows, columns = (
            round(size * scale / SIZE_MULTIPLE) * SIZE_MULTIPLE
            for size in network.config.grid(*image.shape[:2])
        )
        seen = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        tensor = torch.from_numpy(np.stack([seen, seen[:, ::-1]])).permute(0, 3, 1, 2)
        plain, mirrored = network.mask(tensor).numpy()
        total += cv2.resize(
            (plain + mirrored[:, ::-1]) / 2, image.shape[1::-1], interpolation=cv2.INTER_LINEAR
        )
    return np.asarray(total / len(SCALES), np.float32)
