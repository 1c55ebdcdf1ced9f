"""Masks for photographs that have none: trained networks look, GrabCut draws.

The networks' masks are right about where and vague about how far. Averaged over scales and mirror images they seed
GrabCut (Rother et al., SIGGRAPH 2004, doi 10.1145/1186562.1015720), which cuts along the photograph's own edges. Where
the two disagree, the photograph is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from .saliency import SIZE_MULTIPLE, Image, Mask, SaliencyNetwork

SCALES = (1.0, 1.5)
SURE, SURELY_NOT = 0.85, 0.15
WORK_PX = 200
ROUNDS = 3
SMALLEST_SHARE, LARGEST_SHARE = 0.02, 0.9
SMALLEST_OVERLAP = 0.5


def borrowed_mask(teachers: Sequence[SaliencyNetwork], image: Image) -> Image | None:
    """A mask for one photograph.

    Args:
        teachers: trained networks, at least one; their masks are averaged.
        image: uint8 [H, W, 3], RGB.

    Returns:
        uint8 [H, W], 0 to 255; None when networks and GrabCut disagree, or nothing or everything is salient.
    """
    masks = [multiscale_mask(teacher, image) for teacher in teachers]
    seed: Mask = np.mean(masks, axis=0, dtype=np.float32)
    drawn = cut(image, seed)
    if drawn is None or not SMALLEST_SHARE < drawn.mean() < LARGEST_SHARE:
        return None
    expected = seed > 0.7
    overlap = float((expected & (drawn > 0.5)).sum() / max(1, (expected | (drawn > 0.5)).sum()))
    return None if overlap < SMALLEST_OVERLAP else np.asarray(np.round(drawn * 255), np.uint8)


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


def cut(image: Image, seed: Mask) -> Mask | None:
    """GrabCut from a soft seed: float32 [H, W] in [0, 1], or None when the seed is sure of too little."""
    scale = min(1.0, WORK_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    hint = cv2.resize(seed, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    labels = np.where(hint > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[hint > SURE] = cv2.GC_FGD
    labels[hint < SURELY_NOT] = cv2.GC_BGD
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if min((labels == cv2.GC_FGD).sum(), (~inside).sum()) < 50:
        return None
    cv2.setRNGSeed(0)
    cv2.grabCut(
        small, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK
    )
    drawn = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return np.asarray(cv2.resize(drawn, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
