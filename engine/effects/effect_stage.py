"""An effect stage with fixed control values, to run frame by frame or from given states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..closing import Closing
from ..frame import Image
from ..stage_spec import state_input, state_output
from ..stages.loading import load_stage
from ..stages.stage import Stage
from ..zoo.zoo import Zoo

Array = NDArray[Any]
METHODS = ("stage", "exact")


class EffectStage(Closing):
    """A stage of the zoo with fixed control values; each call processes the next frame.

    Args:
        name: "quantize" or "superpixels".
        controls: Values of its controls.
        provider: "auto", "cpu", "cuda", "tensorrt" or "openvino"; a named one never falls back.
        threads: Threads of one inference on a CPU.
        zoo: The zoo that has the stage.

    Raises:
        ProviderError: The provider is not available.
    """

    def __init__(
        self,
        name: str,
        controls: Mapping[str, float],
        *,
        provider: str = "auto",
        threads: int | None = None,
        zoo: Zoo | None = None,
    ) -> None:
        self.stage: Stage = load_stage(
            (zoo or Zoo()).path(f"{name}.onnx"), provider=provider, threads=threads
        )
        self.controls = dict(controls)

    def __call__(self, image: Image, **controls: float) -> Image:
        """Processes the next frame, uint8 [H, W, 3], BGR."""
        return self.stage(image, **(self.controls | controls))

    def fresh(self) -> dict[str, Array]:
        """Initial states, for a first frame."""
        shapes = self.stage.spec.state_shapes(1, 1)
        return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}

    def run(self, image: Image, states: Mapping[str, Array], **controls: float) -> dict[str, Array]:
        """Runs once from given states; the result contains the next states under their names."""
        values = {name: control.default_array() for name, control in self.stage.controls.items()}
        given = self.controls | controls
        values |= {name: np.asarray(value, np.float32) for name, value in given.items()}
        feeds = {state_input(name): state for name, state in states.items()}
        results = self.stage.session.run({"frame": np.ascontiguousarray(image)} | values | feeds)
        return results | {name: results[state_output(name)] for name in states}

    def reset(self) -> None:
        """Resets the states: the next frame is a first frame."""
        self.stage.reset()

    def close(self) -> None:
        """Frees the model."""
        self.stage.close()
