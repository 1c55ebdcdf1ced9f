"""Optimisation profiles for ONNX Runtime's TensorRT provider: one engine for a range of sizes, built once.

Without them the provider builds a new engine for every new size.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ContractError
from ..stage_spec import StageSpec, state_input
from .base import TensorInfo

Size = tuple[int, int]

SMALLEST: Size = (64, 64)
USUAL: Size = (720, 1280)
LARGEST: Size = (2160, 3840)
MASK_SIZES: tuple[Size, Size] = ((1, 1), (96, 160))
KEYS = ("trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes")


def profile_settings(
    inputs: Iterable[TensorInfo], spec_text: str | None, *, size: Size | None
) -> dict[str, str]:
    """The provider's profile settings for a stage.

    Args:
        inputs: The model's inputs.
        spec_text: The stage contract from the model's metadata, or None.
        size: (height, width) of the expected frames in pixels: the engine is tuned for it.

    Returns:
        Three settings; an empty dict for a model without a contract or without free dimensions.
    """
    spec = _spec(spec_text)
    free = [info for info in inputs if not all(isinstance(length, int) for length in info.shape)]
    if spec is None or not free:
        return {}
    best = size or USUAL
    low = (min(best[0], SMALLEST[0]), min(best[1], SMALLEST[1]))
    high = (max(best[0], LARGEST[0]), max(best[1], LARGEST[1]))
    lines = []
    for index, frame in enumerate((low, best, high)):
        states = {state_input(name): shape for name, shape in spec.state_shapes(*frame).items()}
        masks = (*MASK_SIZES, high)
        shapes = [(info.name, _shape(info, frame, masks[index], states)) for info in free]
        lines.append(",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in shapes))
    return dict(zip(KEYS, lines, strict=True))


def _shape(info: TensorInfo, frame: Size, mask: Size, states: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    if info.name == "frame":
        return (*frame, 3)
    return states.get(info.name, mask)


def _spec(text: str | None) -> StageSpec | None:
    try:
        return StageSpec.from_json(text) if text else None
    except ContractError:
        return None
