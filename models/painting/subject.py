"""Photograph and styles of a painting as tensors, at the size of each level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...engine.errors import InputError, UsageError
from ...engine.frame import Image
from ...engine.zoo.style import mix, require_trunk
from ...engine.zoo.zoo import ENCODER_FILE, SHIPPED, Zoo
from ..losses import blur
from ..networks.transformer import load_trunk
from ..tensors import image_from_tensor, resized, size_with_long_side, tensor_from_image
from . import photo_colors
from .feature_terms import Style
from .options import MINIMUM_PX, PaintOptions
from .style_masks import own_masks, style_masks

#: Standard deviation of the initial noise around middle grey: large enough to differ, small enough to remove.
NOISE_DEVIATION = 0.05
#: The network of `init="stylized"`, and the largest short side that it paints, in pixels.
TRUNK_FILE, STYLIZED_PX = "trunk-small.safetensors", 360
#: Blur of `init="blur"`: standard deviation as a share of the long side.
BLUR_SHARE = 32


class Subject:
    """The pictures of a painting.

    Args:
        content: uint8 [H, W, 3], BGR, the photograph.
        styles: uint8 [h, w, 3], BGR, the style pictures.
        options: Options of the painting.
        mask: uint8 [H, W] or [H, W, 3] with one grey level per style, one picture per style, or None.

    Attributes:
        sizes: Height and width of each level in pixels, coarse to fine.

    Raises:
        UsageError: There is no style, or the numbers of weights and styles differ.
        InputError: A style picture is smaller than 64 px, the photograph is too thin, or the mask has too few grey
            levels.
    """

    def __init__(
        self,
        content: Image,
        styles: Sequence[Image],
        options: PaintOptions,
        mask: Image | Sequence[Image] | None,
    ) -> None:
        if not styles and options.weights.style > 0:
            raise UsageError("no style picture was given")
        self.options, self.shares = options, options.shares(len(styles))
        self.content = tensor_from_image(content).to(options.device)
        self.styles = [self._prepared(image) for image in styles]
        height, width = content.shape[:2]
        self.sizes = [size_with_long_side(height, width, side) for side in options.long_sides()]
        if min(self.sizes[0]) < MINIMUM_PX // 4:
            raise InputError(f"a photograph of {width}x{height} is too thin to paint")
        masks = [] if mask is None else _masks(mask, len(styles))
        self.masks = [torch.from_numpy(one)[None, None].float().to(options.device) / 255 for one in masks]

    def _prepared(self, image: Image) -> Tensor:
        height, width = image.shape[:2]
        if min(height, width) < MINIMUM_PX:
            raise InputError(
                f"a style picture must be at least {MINIMUM_PX} px wide and high, got {width}x{height}"
            )
        style = tensor_from_image(image).to(self.options.device)
        if self.options.preserve_color == "histogram":
            return photo_colors.with_colors_of(style, self.content)
        if self.options.preserve_color == "luminance":
            return photo_colors.grey_like(style, self.content)
        return style

    def content_at(self, size: tuple[int, int]) -> Tensor:
        """The photograph at a level's size; grey if only luminance is painted."""
        content = resized(self.content, size).clamp(0, 1)
        return (
            photo_colors.grey_like(content, content)
            if self.options.preserve_color == "luminance"
            else content
        )

    def styles_at(self, size: tuple[int, int]) -> list[Style]:
        """The styles for a level; never enlarged."""
        long_px = round(max(size) * self.options.style_scale)
        masks: list[Tensor | None] = [resized(mask, size).clamp(0, 1) for mask in self.masks]
        masks = masks or [None] * len(self.styles)
        return [
            Style(_shrunk(image, long_px), share, mask)
            for image, share, mask in zip(self.styles, self.shares, masks, strict=True)
        ]

    def start(self, size: tuple[int, int], initial: Image | None) -> Tensor:
        """The initial picture of the first level."""
        init = self.options.init
        if init == "noise":
            generator = torch.Generator().manual_seed(self.options.seed)
            noise = torch.randn((1, 3, *size), generator=generator) * NOISE_DEVIATION
            return (noise + 0.5).to(self.options.device)
        if init == "blur":
            return blur(self.content_at(size), max(size) / BLUR_SHARE).clamp(0, 1)
        if init == "style" and self.styles:
            return resized(self.styles[0], size).clamp(0, 1)
        if init == "stylized" and initial is not None:
            return resized(tensor_from_image(initial).to(self.options.device), size).clamp(0, 1)
        if init == "stylized" and self.styles:
            return self._stylized(size)
        return self.content_at(size)

    def _stylized(self, size: tuple[int, int]) -> Tensor:
        """The photograph painted by the feed-forward network, its style computed from the style pictures."""
        zoo = Zoo()
        if not all((zoo.folder / name).is_file() for name in (TRUNK_FILE, ENCODER_FILE)):
            zoo = Zoo(SHIPPED)  # as for any painting: most exported folders have neither
        pictures = [image_from_tensor(style) for style in self.styles]
        style = mix([zoo.style_of_picture(picture) for picture in pictures], self.shares)
        trunk = load_trunk(zoo.path(TRUNK_FILE)).to(self.options.device)
        require_trunk(style, trunk.trunk_hash())
        content = self.content_at(self.sizes[-1])
        if (short := min(content.shape[2:])) > STYLIZED_PX:
            height, width = (round(length * STYLIZED_PX / short) for length in content.shape[2:])
            content = resized(content, (height, width)).clamp(0, 1)
        vector = torch.from_numpy(style.vector)[None].to(self.options.device)
        with torch.no_grad():
            return resized(trunk.paint(content, vector), size).clamp(0, 1)

    def finish(self, picture: Tensor) -> Image:
        """Converts the painted tensor to a picture, in the photograph's colours if they are preserved."""
        if self.options.preserve_color == "luminance":
            content = resized(self.content, (picture.shape[2], picture.shape[3])).clamp(0, 1)
            picture = photo_colors.with_luminance_of(content, picture.clamp(0, 1))
        return image_from_tensor(picture)


def _masks(mask: Image | Sequence[Image], count: int) -> list[Image]:
    if isinstance(mask, np.ndarray):
        return style_masks(mask, count)
    return own_masks(mask, count)


def _shrunk(image: Tensor, long_px: int) -> Tensor:
    height, width = image.shape[2:]
    if max(height, width) <= long_px:
        return image
    return resized(image, size_with_long_side(height, width, long_px)).clamp(0, 1)
