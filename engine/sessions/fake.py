"""A session that wraps a Python function: for tests, and for stages that need no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..closing import Closing
from ..stage_spec import METADATA_KEY, StageSpec, state_input, state_output
from .base import Array, TensorInfo

Function = Callable[[Mapping[str, Array]], Mapping[str, Array]]

FRAME = TensorInfo("frame", "uint8", ("H", "W", 3))
OUTPUT = TensorInfo("output", "uint8", ("H", "W", 3))


class FakeSession(Closing):
    """Calls `function` in place of a model, and counts the calls.

    Args:
        function: Takes the feeds by name, returns the outputs by name.
        inputs: Inputs of the session.
        outputs: Outputs of the session.
        metadata: Metadata of the session.

    Example:
        >>> session = FakeSession(lambda feeds: {"output": 255 - feeds["frame"]})
        >>> session.run({"frame": np.zeros((2, 2, 3), np.uint8)})["output"].max()
        255
    """

    provider = "fake"
    reason = "fake: a Python function"

    def __init__(
        self,
        function: Function,
        *,
        inputs: Sequence[TensorInfo] = (FRAME,),
        outputs: Sequence[TensorInfo] = (OUTPUT,),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._function = function
        self.inputs: Mapping[str, TensorInfo] = {info.name: info for info in inputs}
        self.outputs: Mapping[str, TensorInfo] = {info.name: info for info in outputs}
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.closed = False

    @classmethod
    def from_spec(cls, function: Function, spec: StageSpec) -> FakeSession:
        """Creates a fake stage: inputs, outputs and metadata follow from the spec."""
        controls = [TensorInfo(name, "float32", control.shape) for name, control in spec.controls.items()]
        states = [
            TensorInfo(state_input(name), "float32", state.shape) for name, state in spec.states.items()
        ]
        new_states = [
            TensorInfo(state_output(name), "float32", state.shape) for name, state in spec.states.items()
        ]
        output = TensorInfo(spec.output, OUTPUT.dtype, OUTPUT.shape)
        return cls(
            function,
            inputs=[FRAME, *controls, *states],
            outputs=[output, *new_states],
            metadata={METADATA_KEY: spec.to_json()},
        )

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Calls the function, after checking the names of the inputs."""
        if self.closed:
            raise RuntimeError("this session is closed")
        if set(feeds) != set(self.inputs):
            raise ValueError(f"inputs are {sorted(self.inputs)}, got {sorted(feeds)}")
        results = self._function(feeds)
        return {name: results[name] for name in outputs or self.outputs}

    def close(self) -> None:
        """Marks the session closed."""
        self.closed = True
