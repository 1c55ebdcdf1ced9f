"""The tasks of a worker: read photographs; paint previews, tiles, full pictures, videos and camera frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import InputError
from ..frame import Image, as_image, read_image_with_alpha, write_image
from ..jobs.paint_file import NETWORK_BYTES_PER_PIXEL
from ..sinks.hud import split_view
from ..sources.base import Size, scaled
from ..zoo.picture_style import on_white
from ..zoo.style import save_style
from .look_request import LookRequest, Parts
from .painter import sliders_of
from .videos import look_at_video, paint_video
from .worker_state import VIEW_PX, WorkerState

TILE_PX = 220
PAINTING_PX = 448  # what a training looks at
JPEG_QUALITY = 88


def describe(state: WorkerState, **_: Any) -> dict[str, Any]:
    """Sliders and provider, for the page."""
    sliders = sliders_of(state.paint.chain)
    return {"sliders": [asdict(slider) for slider in sliders], "provider": state.provider}


def read_photo(state: WorkerState, *, path: str, **_: Any) -> dict[str, int]:
    """Decodes a photograph and returns its size in pixels.

    Raises:
        InputError: It cannot be decoded, or has too many pixels.
    """
    image = _decoded(path)[0]
    height, width = image.shape[:2]
    if height * width > state.options.limits.photo_pixels:
        raise InputError(f"{width}x{height} pixels are too many: up to {state.options.limits.photo_pixels}")
    state.remember(path, image)
    return {"width": width, "height": height}


def show_photo(state: WorkerState, *, path: str, long_side_px: int = VIEW_PX, **_: Any) -> bytes:
    """The photograph as a JPEG of the page's size."""
    return _jpeg(state.view(path, long_side_px=min(long_side_px, VIEW_PX)))


def paint_preview(state: WorkerState, *, path: str, look: LookRequest, long_side_px: int, **_: Any) -> bytes:
    """The painted photograph as a JPEG of the page's size."""
    return _jpeg(state.paint(state.view(path, long_side_px=min(long_side_px, VIEW_PX)), look))


def paint_tile(state: WorkerState, *, path: str, style: Parts, **_: Any) -> bytes:
    """A thumbnail of the photograph in a style, as a JPEG."""
    small = scaled(state.view(path, long_side_px=VIEW_PX), Size(TILE_PX))
    return _jpeg(state.paint(small, LookRequest(style=style)))


def read_style(state: WorkerState, *, path: str, target: str, shown: str, **_: Any) -> None:
    """Computes the style of a painting, writes the style file, and a small picture of the painting.

    Raises:
        InputError: It cannot be decoded.
        UnsupportedImageError: It is too small.
    """
    image, alpha = _decoded(path)
    painting = on_white(image, alpha)
    style = state.options.zoo.style_of_picture(painting)
    write_image(
        shown, scaled(painting, Size(PAINTING_PX)) if min(painting.shape[:2]) > PAINTING_PX else painting
    )
    save_style(target, style)


def export_photo(
    state: WorkerState, *, path: str, look: LookRequest, target: str, **_: Any
) -> dict[str, int]:
    """Paints a photograph at full size into a file; keeps transparency if the format supports it.

    Raises:
        InputError: It needs more memory than a worker may use.
    """
    image, alpha = _decoded(path)
    height, width = image.shape[:2]
    most = state.options.limits.memory_bytes // NETWORK_BYTES_PER_PIXEL
    if height * width > most:
        raise InputError(
            f"{width}x{height} pixels cannot be painted whole here: up to {most // 10**6} megapixels"
        )
    write_image(target, state.paint(image, look), alpha=alpha)
    return {"width": width, "height": height}


def paint_frame(
    state: WorkerState,
    *,
    jpeg: bytes,
    look: LookRequest,
    short_side_px: int,
    viewer: str,
    split: bool = False,
    **_: Any,
) -> bytes:
    """The next frame of a viewer's camera, painted, or half of it with `split`: JPEG in, JPEG out.

    Raises:
        InputError: It is not a JPEG, or its size is out of range.
    """
    image = (
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg[:3] == b"\xff\xd8\xff" else None
    )
    if image is None:
        raise InputError("a frame must be a JPEG")
    frame = as_image(image)
    if min(frame.shape[:2]) > short_side_px:
        frame = scaled(frame, Size(short_side_px))
    painted = state.paint.next(frame, look, stabilizer=state.stabilizer(viewer))
    return _jpeg(split_view(frame, painted) if split else painted, quality=80)


Task = Callable[..., Any]
TASKS: Mapping[str, Task] = {
    "describe": describe,
    "read_photo": read_photo,
    "show_photo": show_photo,
    "paint_preview": paint_preview,
    "paint_tile": paint_tile,
    "read_style": read_style,
    "export_photo": export_photo,
    "paint_frame": paint_frame,
    "look_at_video": look_at_video,
    "paint_video": paint_video,
}


def _decoded(path: str) -> tuple[Image, Image | None]:
    """Reads a picture and its transparency; error messages do not show the private folder."""
    try:
        return read_image_with_alpha(path)
    except InputError as error:
        limit = os.environ.get("OPENCV_IO_MAX_IMAGE_PIXELS", "")
        name = Path(path).name
        if "CV_IO_MAX_IMAGE_PIXELS" in str(error) or "validateInputImageSize" in str(error):
            raise InputError(f"this picture has too many pixels: up to {limit}") from error
        raise InputError(str(error).replace(path, "the picture").replace(name, "the picture")) from error


def _jpeg(image: Image, *, quality: int = JPEG_QUALITY) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
