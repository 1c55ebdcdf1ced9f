"""The options of an export, checked before anything is built."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from ..engine.errors import UsageError, check_known
from ..engine.looks.look import checked_number

OPSET = 19
FORMATS = ("onnx", "engine", "web")
PRECISIONS = ("fp32", "fp16", "int8")
STAGES = ("quantize", "superpixels", "stylize")
AMOUNTS = {"quantize": (2, 256, 16), "superpixels": (1, 8000, 800)}  # smallest, largest, default
LARGEST_PX = 16384

Size = tuple[int, int]  # (height, width) in pixels


@dataclass(frozen=True)
class StageChoice:
    """One stage of the artefact.

    Args:
        name: "quantize", "superpixels" or "stylize".
        amount: Number of colours or regions; None for `stylize`.
    """

    name: str
    amount: int | None = None

    @classmethod
    def parse(cls, text: str) -> StageChoice:
        """Parses "stylize", "quantize" or "quantize:16".

        Raises:
            UsageError: Anything else.
        """
        name, separator, amount = text.strip().partition(":")
        check_known("stage", name, STAGES)
        if name not in AMOUNTS:
            if separator:
                raise UsageError(f"stage '{name}' takes no number, got '{text}'")
            return cls(name)
        smallest, largest, usual = AMOUNTS[name]
        if separator and not (amount.isascii() and amount.isdigit()):
            raise UsageError(f"'{text}' is not {name}:NUMBER, as in {name}:{usual}")
        number = int(amount) if separator else usual
        if not smallest <= number <= largest:
            raise UsageError(f"{name} takes {smallest} to {largest}, got {number}")
        return cls(name, number)


@dataclass(frozen=True)
class Shapes:
    """Frame sizes of the artefact: one fixed size, or a range with an optimum.

    Args:
        minimum: Smallest (height, width) in pixels.
        optimum: The size to optimise for.
        maximum: Largest.
    """

    minimum: Size = (64, 64)
    optimum: Size = (720, 1280)
    maximum: Size = (2160, 3840)

    @property
    def fixed(self) -> bool:
        """Whether there is only one size."""
        return self.minimum == self.maximum

    @classmethod
    def of(cls, *, size: str | None = None, dynamic: str | None = None) -> Shapes:
        """Parses "1280x720", or "MIN:OPT:MAX" of such sizes.

        Raises:
            UsageError: Both were given, or a size is invalid or out of order.
        """
        if size is not None and dynamic is not None:
            raise UsageError("--size fixes the frame's size and --dynamic leaves it open: give one of them")
        if size is not None:
            fixed = parse_size(size)
            return cls(fixed, fixed, fixed)
        if dynamic is None or dynamic == "":
            return cls()
        parts = [parse_size(part) for part in dynamic.split(":")]
        if len(parts) != 3:
            raise UsageError(f"--dynamic is MIN:OPT:MAX, as in 320x180:1280x720:1920x1080, got '{dynamic}'")
        low, middle, high = parts
        if any(not low[axis] <= middle[axis] <= high[axis] for axis in range(2)):
            raise UsageError(
                f"--dynamic '{dynamic}': each size must be at least the one before, in both directions"
            )
        return cls(low, middle, high)


@dataclass(frozen=True)
class ExportOptions:
    """All options of `artrt export`.

    Args:
        model: A trunk of the zoo ("small"), or a trunk's `.safetensors` file.
        styles: Names of the styles to include; empty for all that fit the trunk.
        format: "onnx", "engine" for TensorRT, or "web" for a page that paints in the browser.
        precision: "fp32", "fp16" or "int8".
        shapes: Frame sizes.
        stroke: Fixed size of the strokes; None keeps it as a control, except that engines and models of one fixed
            frame size use stroke 1.
        batch: Frames in one call; 1 is the stage contract.
        stages: The stages, in running order.
        fuse: Fuse the stages into one graph.
        saliency: Include the saliency stage, which feeds `mask`; None includes it in a page if the zoo has it.
        opset: ONNX operator set.
        calibration: Folder of pictures for int8, and for the parity check if given.
        workspace_gib: Memory limit of TensorRT's builder; None leaves it to TensorRT.
        hardware_compatible: Build an engine for every GPU of compute capability 8.0 or newer; slightly slower.
        version_compatible: Build an engine that newer TensorRT versions also accept; slightly slower.
        verify: Check parity.
        runtime: Folder or .tgz of onnxruntime-web for a page; None uses what `artrt models pull` fetched.
        webgpu: Include onnxruntime-web's WebGPU build.
        encoder: Include the style encoder in a page, so that any painting is a style; None includes it if it fits.
    """

    model: str = "small"
    styles: tuple[str, ...] = ()
    format: str = "onnx"
    precision: str = "fp32"
    shapes: Shapes = field(default_factory=Shapes)
    stroke: float | None = None
    batch: int = 1
    stages: tuple[StageChoice, ...] = (StageChoice("stylize"),)
    fuse: bool = False
    saliency: bool | None = None
    opset: int = OPSET
    calibration: Path | None = None
    workspace_gib: float | None = None
    hardware_compatible: bool = False
    version_compatible: bool = False
    verify: bool = True
    runtime: Path | None = None
    webgpu: bool = True
    encoder: bool | None = None

    def __post_init__(self) -> None:
        """Checks for unknown values and contradictions.

        Raises:
            UsageError: An option is invalid; the message says what is accepted.
        """
        check_known("format", self.format, FORMATS)
        check_known("precision", self.precision, PRECISIONS)
        if self.stroke is not None:
            checked_number("stroke", self.stroke)
        for fault, message in self._contradictions():
            if fault:
                raise UsageError(message)

    @property
    def fixed_stroke(self) -> float | None:
        """The fixed stroke size of the models; None if it stays a control."""
        fixed = self.format == "engine" or self.shapes.fixed
        return 1.0 if self.stroke is None and fixed else self.stroke

    def _contradictions(self) -> list[tuple[bool, str]]:
        names = [stage.name for stage in self.stages]
        styled = "stylize" in names
        web = self.format == "web"
        build_only = self.workspace_gib is not None or self.hardware_compatible or self.version_compatible
        return [
            (not names, "an artefact needs at least one stage: --stages stylize"),
            (len(set(names)) < len(names), "a stage can be named only once in --stages"),
            (
                self.precision == "int8" and self.calibration is None,
                "int8 is calibrated on real pictures: give a folder of them with --calibration DIR",
            ),
            (
                self.precision == "int8" and not styled,
                "int8 quantizes the style transformer: add 'stylize' to --stages, or choose fp16",
            ),
            (
                build_only and self.format != "engine",
                "--workspace and compatibility options need --format engine",
            ),
            (
                self.workspace_gib is not None and not self.workspace_gib > 0,
                f"--workspace is a number of GiB above 0, got {self.workspace_gib}",
            ),
            (
                bool(self.styles) and not styled,
                "--styles need the 'stylize' stage: add it to --stages, or leave --styles out",
            ),
            (
                self.stroke is not None and not styled,
                "--stroke needs the 'stylize' stage: add it to --stages",
            ),
            (
                bool(self.saliency) and not styled,
                "--saliency feeds the mask of 'stylize': add it to --stages",
            ),
            (self.batch < 1, f"--batch is 1 or more, got {self.batch}"),
            (
                self.batch > 1 and (names != ["stylize"] or bool(self.saliency)),
                "--batch works only for the 'stylize' stage; the others use the previous frame",
            ),
            (
                web and names != ["stylize"],
                "--format web has no other effects than 'stylize': leave --stages out",
            ),
            (web and self.precision != "fp32", "--format web computes in fp32: leave the precision out"),
            (
                web and (self.shapes.fixed or self.batch > 1),
                "--format web takes pictures of any size: leave --size and --batch out",
            ),
            (
                not web and (self.runtime is not None or not self.webgpu or self.encoder is not None),
                "--runtime, --no-webgpu and --encoder are of --format web only",
            ),
            (not 18 <= self.opset <= 23, f"--opset is 18 to 23, got {self.opset}"),
        ]


def parse_size(text: str) -> Size:
    """Parses "WIDTHxHEIGHT" in pixels and returns (height, width).

    Raises:
        UsageError: Anything else.
    """
    match = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text.strip().lower())
    if match is None:
        raise UsageError(f"'{text}' is not a size such as 1280x720")
    width, height = int(match[1]), int(match[2])
    if not (16 <= width <= LARGEST_PX and 16 <= height <= LARGEST_PX):
        raise UsageError(f"size {text}: each side is 16 to {LARGEST_PX} pixels")
    return height, width


def parse_stages(text: str) -> tuple[StageChoice, ...]:
    """Parses "quantize:16,superpixels:800,stylize"."""
    return tuple(StageChoice.parse(part) for part in text.split(",") if part.strip())
