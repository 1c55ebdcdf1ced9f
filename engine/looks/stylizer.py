"""Stylizer: a loaded look that maps pictures to paintings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from ..closing import Closing
from ..errors import ArtrtError, UsageError
from ..frame import Frame, Image, read_image
from ..result import Result, png_for_notebook
from ..sources.base import Size, scaled
from ..sources.scene import PHOTO
from ..stages.chain import Chain
from ..statistics import Statistics
from ..zoo.style import Style
from .building import open_look
from .controls import Controls
from .conversion import converted
from .look import DEFAULT_STYLE, NO_STYLE, Look, look_of
from .runner import Runner

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

NOTEBOOK_PX = 320
"""Short side in pixels of the photograph that a notebook shows."""


class Stylizer(Closing):
    """Paints pictures and video frames in a style.

    Pass the frames of a video in order, because some stages use the previous frame; `reset()` starts a new scene.
    Not thread-safe, but `controls` may be changed from any thread.

    Args:
        look: A style by name, mix ("starry-night:0.7+udnie:0.3"), `.safetensors` file or picture of a painting; a
            painting as an array like the pictures; "none" for effects only; a folder that `artrt export` wrote; or a
            `Look`.
        rgb: Arrays are RGB, as in Pillow and most other libraries, instead of OpenCV's BGR.
        options: Other fields of `Look` by name: strength, background, quantize, superpixels, model,
            provider, threads, … Without a `Look`, `stabilize` is 0: every picture is painted on its own.

    Attributes:
        chain: The loaded stages.
        controls: Current style and numbers; a `Pipeline` with this stylizer uses them too.

    Raises:
        UsageError: No such option, style or model, or options that this model does not support.
        ProviderError: The provider is not available.
        IntegrityError: A shipped file was changed, or the style belongs to another trunk.

    Example:
        >>> with artrt.Stylizer("starry-night", strength=0.8) as stylizer:
        ...     artrt.write_image("painting.jpg", stylizer(artrt.read_image("photo.jpg")))
    """

    def __init__(
        self,
        look: str | os.PathLike[str] | Look | Style | Image = DEFAULT_STYLE,
        *,
        rgb: bool = False,
        **options: Any,
    ) -> None:
        if isinstance(look, np.ndarray) and rgb:
            look = np.ascontiguousarray(look[:, :, ::-1])
        alone = {} if isinstance(look, Look) else {"stabilize": 0.0}
        self.chain: Chain
        self.controls: Controls
        self.chain, self.controls = open_look(look_of(look, **(alone | options)))
        self._rgb = rgb
        self._runner = Runner([self.chain], controls=self.controls, statistics=Statistics())

    @property
    def style(self) -> str:
        """The style; assign a name, mix or file to change it between two frames. "none" if there is none.

        Raises:
            UnknownStyleError: On assignment: no such style.
            IntegrityError: On assignment: it was made for another trunk.
        """
        return self.controls.state.style or NO_STYLE

    @style.setter
    def style(self, style: str) -> None:
        if style == NO_STYLE or self.style == NO_STYLE:
            raise UsageError("style 'none' cannot be set or replaced later: make a new Stylizer")
        self.set(style=style)

    @property
    def strength(self) -> float:
        """0 (photograph) to 1 (full style); may be assigned between two frames."""
        return self.controls.state.numbers.get("strength", 0.0)

    @strength.setter
    def strength(self, strength: float) -> None:
        self.set(strength=strength)

    def set(
        self, *, style: str | None = None, background: str | None = None, **changes: float | bool
    ) -> None:
        """Changes style, background, strength, …, or turns stages on and off by name, between two frames.

        Raises:
            UsageError: No such control, or a value out of range.
            UnknownStyleError: No such style.
        """
        self.controls.change(changes, style=style, background=background, fade=False)

    @property
    def provider(self) -> str:
        """The provider: "cpu", "cuda", "tensorrt" or "openvino"."""
        return self.chain.provider

    @property
    def reason(self) -> str:
        """One line: why this provider was chosen, and why no faster one."""
        return self.chain.reason

    @overload
    def __call__(self, picture: Image) -> Image: ...
    @overload
    def __call__(self, picture: Frame) -> Frame: ...
    @overload
    def __call__(self, picture: bytes) -> bytes: ...
    @overload
    def __call__(self, picture: str | os.PathLike[str]) -> Result: ...
    @overload
    def __call__(self, picture: PilImage) -> PilImage: ...
    def __call__(self, picture: Any) -> Any:
        """Paints one picture.

        Args:
            picture: An array uint8 [H, W, 3], BGR unless `rgb`; a `Frame`; the bytes of a picture file; a PIL image; or
                the path of a picture file.

        Returns:
            The same kind, of the same size: an array of the same colour order, a frame with the same times, bytes of
            the same format, a PIL image. For a path a `Result`, which has `image` and `save`.

        Raises:
            InputError: The file cannot be read.
            UnsupportedImageError: The picture has another type or shape.

        Example:
            >>> stylizer("photo.jpg").save("painting.jpg")
        """
        image, back = converted(picture, rgb=self._rgb)
        painting = self._runner(image)
        # The stabilizer keeps its last picture for the next frame, and the caller may modify the result.
        return back(painting.copy() if self.controls.state.numbers["stabilize"] > 0 else painting)

    def _repr_png_(self) -> bytes | None:
        """A test photograph in this look, as PNG for notebooks. None if the model has a fixed frame size."""
        runner = Runner([self.chain], controls=self.controls, statistics=Statistics())
        try:
            return png_for_notebook(runner(scaled(read_image(PHOTO), Size(NOTEBOOK_PX))))
        except ArtrtError:
            return None

    def reset(self) -> None:
        """Starts a new scene: forgets the previous frames."""
        self._runner.reset()

    def close(self) -> None:
        """Frees the models."""
        self.chain.close()
