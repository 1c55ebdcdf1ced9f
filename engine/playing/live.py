"""Everything that `artrt live` and `artrt.stream` set up: the stages of the zoo, their controls, a pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from ..looks.controls import Controls, Preview
from ..looks.look import NO_STYLE, ChainOptions, Effect, build_chain, of_artefact
from ..looks.preview import Previewer
from ..looks.stage_controls import resolve_style, usable_styles
from ..result import Result
from ..sources import FramePolicy, Size, Source, SourceOptions
from ..stages.chain import Chain
from ..zoo.zoo import MANIFEST, Zoo
from .pipeline import Pipeline
from .stabilizer import DEFAULT_AMOUNT

# What c and x turn on when nothing was chosen at the start.
OPTIONAL_EFFECTS = {"quantize": Effect(16), "superpixels": Effect(600)}


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What is played on the frames.

    Args:
        style: Name, mix, path, or "none".
        strength: 0 the photograph, 1 the full style.
        keep_salient: How much of the photograph the salient region keeps, 0 to 1.
        stabilize: Temporal stabilisation, 0 none to 1 most.
        quantize: Colours, as 16, "16:before" or "16:after"; None off (it can be turned on while it runs).
        superpixels: Regions, likewise.
        model: A style transformer of the zoo, or the path of a `stylize` stage.
        provider: auto, cpu, cuda, tensorrt or openvino; a named one is strict.
        threads: Threads of one inference on a CPU; None takes the usable cores.
        switchable: Load the effects and the saliency network even when they are off, so that they can be turned on.
        zoo: Where models and styles are.
        engine: A folder of `artrt export` that gives stages and styles instead of the zoo; an empty style is its first.
    """

    style: str = "starry-night"
    strength: float = 1.0
    keep_salient: float = 0.0
    stabilize: float = DEFAULT_AMOUNT
    quantize: Effect | None = None
    superpixels: Effect | None = None
    model: str = "small"
    provider: str = "auto"
    threads: int | None = None
    switchable: bool = True
    zoo: Zoo = field(default_factory=Zoo)
    engine: str | None = None


def open_stages(options: LiveOptions) -> tuple[Chain, Controls]:
    """Loads the stages and makes their controls.

    Raises:
        UsageError: No such style or model, or a value out of its range.
        ProviderError: The provider is not available.
        IntegrityError: A shipped file was changed.
    """
    if options.engine is not None:
        return _open_exported(options, options.engine)
    shipped = (
        options.zoo.manifest() if options.switchable and (options.zoo.folder / MANIFEST).is_file() else {}
    )
    effects = {"quantize": options.quantize, "superpixels": options.superpixels}
    spare = {name: effect for name, effect in OPTIONAL_EFFECTS.items() if f"{name}.onnx" in shipped}
    chain = build_chain(
        ChainOptions(
            style=options.style,
            strength=options.strength,
            keep_salient=options.keep_salient,
            model=options.model,
            provider=options.provider,
            threads=options.threads,
            saliency="saliency.onnx" in shipped,
            zoo=options.zoo,
            quantize=options.quantize or spare.get("quantize"),
            superpixels=options.superpixels or spare.get("superpixels"),
        )
    )
    try:
        return chain, _controls(chain, options, effects, preview=Previewer(options.model, zoo=options.zoo))
    except BaseException:
        chain.close()
        raise


def _open_exported(options: LiveOptions, folder: str) -> tuple[Chain, Controls]:
    """The stages of an exported folder and their controls."""
    asked = ChainOptions(
        strength=options.strength,
        keep_salient=options.keep_salient,
        quantize=options.quantize,
        superpixels=options.superpixels,
        provider=options.provider,
        threads=options.threads,
    )
    exported = of_artefact(asked, folder=folder, style=options.style or None)
    chain = build_chain(exported)
    # The folder's own model may have a fixed size or be a GPU's engine: thumbnails are painted by the shipped one.
    preview = Previewer(options.model, zoo=exported.zoo, models=options.zoo)
    look = replace(options, style=exported.style, zoo=exported.zoo)
    try:
        return chain, _controls(chain, look, {}, preview=preview)
    except BaseException:
        chain.close()
        raise


def _controls(
    chain: Chain, options: LiveOptions, effects: dict[str, Effect | None], *, preview: Preview
) -> Controls:
    names = [stage.name for stage in chain.stages]
    switches = {name: effects.get(name) is not None or name not in effects for name in names}
    numbers = {
        "strength": options.strength,
        "keep_salient": options.keep_salient,
        "stabilize": options.stabilize,
    }
    stylize = next((stage for stage in chain.stages if "style" in stage.controls), None)
    if stylize is None or options.style == NO_STYLE:
        return Controls(numbers=numbers, switches=switches)
    return Controls(
        styles=usable_styles(options.zoo, stylize),
        resolve=partial(resolve_style, options.zoo, stylize),
        style=options.style,
        numbers=numbers,
        switches=switches,
        preview=preview,
    )


def stream(
    source: str | int | os.PathLike[str] | Source = 0,
    *,
    style: str = "starry-night",
    frames: FramePolicy = "auto",
    size: str | None = None,
    fps: float | None = None,
    loop: bool = False,
    reconnect_seconds: float = 30.0,
    max_frames: int | None = None,
    options: LiveOptions | None = None,
) -> Iterator[Result]:
    """Stylised frames of a camera, stream, file or folder, as a loop.

    Args:
        source: Camera number, device, URL, path, `test://640x360@30`, `screen://`.
        style: Name, mix ("starry-night:0.7+udnie:0.3"), path, or "none".
        frames: "all", "latest", or "auto": all of a file, the latest of a live source.
        size: "1280x720", or "512" for the short side.
        fps: Wanted rate of a camera.
        loop: Play a file again and again.
        reconnect_seconds: How long a lost source is tried again.
        max_frames: End after so many.
        options: Everything else; its style is replaced by `style`.

    Yields:
        Results with `image` uint8 [H, W, 3] BGR, `latency_ms`, `dropped`.

    Raises:
        ArtrtError: The source, the style or the provider is not there, or something failed on the way.

    Example:
        >>> for result in artrt.stream(0, style="udnie"):
        ...     show(result.image)
    """
    chain, controls = open_stages(replace(options or LiveOptions(switchable=False), style=style))
    with chain:
        pipeline = Pipeline(
            source,
            [chain],
            controls=controls,
            frames=frames,
            options=SourceOptions(
                size=None if size is None else Size.parse(size),
                fps=fps,
                loop=loop,
                reconnect_seconds=reconnect_seconds,
            ),
            max_frames=max_frames,
        )
        yield from pipeline.results()
