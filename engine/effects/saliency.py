"""Saliency: a mask of the region that a viewer looks at first, and pictures of the mask."""

from __future__ import annotations

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from ..closing import Closing
from ..errors import ContractError, UsageError
from ..frame import Image, check_image
from ..stages.loading import load_stage
from ..zoo.zoo import Zoo

Mask = NDArray[np.float32]

SALIENCY_FILE = "saliency.onnx"
OVERLAY_OPACITY = 0.5


class Saliency(Closing):
    """The saliency network: maps a picture to a mask.

    Args:
        path: A `saliency` stage; the shipped one by default.
        provider: "auto", "cpu", "cuda", "tensorrt" or "openvino"; a named one never falls back.
        threads: Threads of one inference on a CPU.
        zoo: The zoo that has the stage.
        attention: 0 for the region that a viewer would cut out; up to 1 to add what a classifier would look at, as
            `keep_salient` does.

    Raises:
        ContractError: The file is another stage, or has no control for `attention`.
        UsageError: `attention` is not between 0 and 1.
        ProviderError: The provider is not available.

    Example:
        >>> with Saliency() as saliency:
        ...     overlay = heat_map(photo, saliency(photo))
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        provider: str = "auto",
        threads: int | None = None,
        zoo: Zoo | None = None,
        attention: float = 0.0,
    ) -> None:
        if not 0 <= attention <= 1:
            raise UsageError(f"attention is {attention:g}; expected 0 to 1")
        file = (zoo or Zoo()).path(SALIENCY_FILE) if path is None else path
        self.stage = load_stage(file, provider=provider, threads=threads)
        if self.stage.spec.output != "mask":
            self.stage.close()
            raise ContractError(f"{file} is the stage '{self.stage.name}', not a saliency stage")
        widens = "attention" in self.stage.controls
        if attention > 0 and not widens:
            self.stage.close()
            raise ContractError(f"{file} has no control 'attention': train it with this version of artrt")
        self._controls = {"attention": attention} if widens else {}

    def __call__(self, image: Image) -> Mask:
        """Computes the mask of one picture.

        Args:
            image: uint8 [H, W, 3], BGR.

        Returns:
            float32 [H, W] in [0, 1], soft at its edges.

        Raises:
            UnsupportedImageError: `image` is not a picture.
        """
        return full_size(self.stage(image, **self._controls), image)

    def close(self) -> None:
        """Frees the network."""
        self.stage.close()


def saliency(image: Image, *, provider: str = "auto") -> Mask:
    """Computes the saliency mask of one picture; for many pictures, reuse a :class:`Saliency`.

    Args:
        image: uint8 [H, W, 3], BGR.
        provider: See :class:`Saliency`.

    Returns:
        float32 [H, W] in [0, 1].

    Raises:
        UnsupportedImageError: `image` is not a picture.
        ProviderError: The provider is not available.
    """
    check_image(image)
    with Saliency(provider=provider) as network:
        return network(image)


def full_size(mask: Mask, image: Image) -> Mask:
    """Resizes a mask [h, w] to the size of `image` by bilinear interpolation: float32 [H, W] in [0, 1]."""
    size = image.shape[1::-1]
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR).clip(0, 1), np.float32)


def mask_picture(mask: Mask) -> Image:
    """A mask [H, W] as a grey picture: uint8 [H, W, 3]."""
    return np.repeat((mask * 255).round().astype(np.uint8)[..., None], 3, axis=2)


def heat_map(image: Image, mask: Mask, *, opacity: float = OVERLAY_OPACITY) -> Image:
    """Overlays a picture with a heat map of its mask, from blue (0) through yellow to red (1).

    Args:
        image: uint8 [H, W, 3], BGR.
        mask: float32 [h, w] in [0, 1], any size.
        opacity: Opacity of the heat map, 0 to 1.

    Returns:
        uint8 [H, W, 3], BGR.
    """
    levels = (full_size(mask, image) * 255).round().astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_JET)
    return np.asarray(cv2.addWeighted(image, 1 - opacity, colours, opacity, 0), np.uint8)
