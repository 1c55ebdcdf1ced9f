"""A sample sheet: every style on the same photographs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ..networks.transformer import StyleTransformer

LABEL_PX = 18


def write_sample_sheet(
    path: Path, transformer: StyleTransformer, styles: Mapping[str, Tensor], photographs: Tensor
) -> None:
    """Paints photographs [N, 3, H, W] (RGB in [0, 1]) in every style [D]; one labelled row per style, as JPEG."""
    rows = [_row("photograph", photographs)]
    with torch.no_grad():
        for name, vector in styles.items():
            rows.append(_row(name, transformer.paint(photographs, vector[None])))
    cv2.imwrite(str(path), np.concatenate(rows), [cv2.IMWRITE_JPEG_QUALITY, 90])


def _row(label: str, images: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """uint8 [H + label, N * W, 3], BGR."""
    pixels = (images.float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    row = np.concatenate(list(pixels), axis=1)[:, :, ::-1]
    band = np.full((LABEL_PX, row.shape[1], 3), 255, np.uint8)
    cv2.putText(band, label, (4, LABEL_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([band, row])
