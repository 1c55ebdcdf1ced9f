"""The engine as one object: a picture goes in, a painting comes out."""

from __future__ import annotations

import os
from dataclasses import replace
from types import TracebackType
from typing import Any, overload

from ..errors import UsageError
from ..frame import Frame, Image
from ..stages.chain import Chain
from ..zoo.artefact import is_artefact
from ..zoo.zoo import Zoo
from .look import NO_STYLE, ChainOptions, Effect, build_chain, of_artefact, style_vector


class Stylizer:
    """Paints pictures and video frames in a style.

    Frames of one video go in one after the other, because some stages remember the frame before; `reset()` starts
    a new scene. Not thread-safe.

    Args:
        style: Name, mix ("starry-night:0.7+udnie:0.3") or `.safetensors` file; "none" for preprocessing only;
            or a folder that `artrt export` wrote, which brings its own style.
        strength: 0 is the photograph, 1 the full style.
        keep_salient: How much of the photograph the salient region keeps, 0 to 1.
        quantize: Colours of the palette, as 16, "16:before" or "16:after" the style; None for none.
        superpixels: Number of superpixels, likewise.
        model: A style transformer of the zoo ("small"), or the path of a `stylize` stage.
        provider: "auto", "cpu", "cuda", "tensorrt" or "openvino"; a named one is strict.
        threads: Threads of one inference on a CPU; None takes the cores that this process may use.
        steady: Many frames of one size will come, as from a camera. False starts quicker, for single pictures.
        zoo: Where models and styles are.

    Example:
        >>> with artrt.Stylizer("starry-night") as stylizer:
        ...     artrt.write_image("painting.jpg", stylizer(artrt.read_image("photo.jpg")))
    """

    def __init__(
        self,
        style: str | os.PathLike[str] = "starry-night",
        *,
        strength: float = 1.0,
        keep_salient: float = 0.0,
        quantize: int | str | Effect | None = None,
        superpixels: int | str | Effect | None = None,
        model: str | os.PathLike[str] = "small",
        provider: str = "auto",
        threads: int | None = None,
        steady: bool = True,
        zoo: Zoo | None = None,
    ) -> None:
        self._options = ChainOptions(
            style=os.fspath(style),
            strength=_fraction("strength", strength),
            keep_salient=_fraction("keep_salient", keep_salient),
            quantize=None if quantize is None else Effect.parse(quantize),
            superpixels=None if superpixels is None else Effect.parse(superpixels),
            model=os.fspath(model),
            provider=provider,
            threads=threads,
            steady=steady,
            zoo=zoo or Zoo(),
        )
        if is_artefact(self._options.style):
            self._options = of_artefact(self._options, folder=self._options.style)
        self.chain: Chain = build_chain(self._options)

    @property
    def style(self) -> str:
        """The style; assign a name, mix or file to change it between two frames.

        Raises:
            UnknownStyleError: On assignment: no such style.
            IntegrityError: On assignment: it belongs to another trunk.
        """
        return self._options.style

    @style.setter
    def style(self, style: str) -> None:
        stage = next((stage for stage in self.chain.stages if "style" in stage.controls), None)
        if stage is None or style == NO_STYLE:
            raise UsageError("a Stylizer made with a style keeps one, and one made with 'none' has none")
        self.chain.values["style"] = style_vector(self._options.zoo.mix(style)[0], stage)
        self._options = replace(self._options, style=style)

    @property
    def zoo(self) -> Zoo:
        """Where its styles are."""
        return self._options.zoo

    @property
    def strength(self) -> float:
        """0 is the photograph, 1 the full style; may be assigned between two frames."""
        return self._options.strength

    @strength.setter
    def strength(self, strength: float) -> None:
        self._options = replace(self._options, strength=_fraction("strength", strength))
        self.chain.values["strength"] = strength

    @property
    def provider(self) -> str:
        """What runs it: "cpu", "cuda", "tensorrt" or "openvino"."""
        return self.chain.provider

    @property
    def reason(self) -> str:
        """One line: why this provider, and why not a better one."""
        return self.chain.reason

    @overload
    def __call__(self, picture: Image) -> Image: ...
    @overload
    def __call__(self, picture: Frame) -> Frame: ...
    def __call__(self, picture: Image | Frame) -> Image | Frame:
        """Paints one picture.

        Args:
            picture: uint8 [H, W, 3], BGR, or a `Frame`.

        Returns:
            The same kind: a new picture of the same size, or a frame with the same times.

        Raises:
            UnsupportedImageError: It is not such a picture.
        """
        if isinstance(picture, Frame):
            return replace(picture, image=self.chain(picture.image))
        return self.chain(picture)

    def reset(self) -> None:
        """Starts a new scene: nothing is remembered from the frames before."""
        self.chain.reset()

    def close(self) -> None:
        """Frees the models."""
        self.chain.close()

    def __enter__(self) -> Stylizer:
        """Enters a context that closes the stylizer at its end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the stylizer."""
        self.close()


def _fraction(name: str, value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise UsageError(f"{name} is a number from 0 to 1, got {value}")
    return number
