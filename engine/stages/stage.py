"""A stage: a loaded model that maps a frame to a frame, with controls and state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..closing import Closing
from ..errors import ContractError, UsageError, suggest
from ..frame import Image, check_image
from ..sessions.base import DeviceSession, Session, TwinSession
from ..stage_spec import METADATA_KEY, Control, StageSpec, state_input, state_output

Array = NDArray[Any]
Value = float | Array
FRAME = "frame"


class Stage(Closing):
    """One model that maps a frame to a frame; its state tensors are kept between calls.

    Args:
        session: An open session; the stage closes it.
        spec: The model's contract, read from the session's metadata when None.

    Example:
        >>> with load_stage("stylize-small.onnx") as stage:
        ...     painting = stage(photo, style=vector, strength=0.8)
    """

    def __init__(self, session: Session, spec: StageSpec | None = None) -> None:
        self.session = session
        self.spec = spec or read_spec(session)
        check_contract(session, self.spec)
        self._outputs = [self.spec.output, *map(state_output, self.spec.states)]
        self._states: dict[str, Any] = {}
        self._size: tuple[int, int] | None = None
        self._fed: dict[str, tuple[Array, Any]] = {}
        self._device = session if isinstance(session, DeviceSession) and _worth_binding(session) else None

    @property
    def name(self) -> str:
        """Short name ("stylize")."""
        return self.spec.name

    @property
    def controls(self) -> Mapping[str, Control]:
        """Names of the controls that a call accepts."""
        return self.spec.controls

    @property
    def device(self) -> str | None:
        """The device on which the stage's tensors can stay, or None for main memory."""
        return self._device.device if self._device is not None else None

    def __call__(self, image: Image, **controls: Value) -> NDArray[Any]:
        """Runs the stage on one frame.

        Args:
            image: uint8 [H, W, 3], BGR.
            controls: Values by name; missing ones take their defaults.

        Returns:
            The stage's output: uint8 [H, W, 3], BGR, or for a mask stage float32 [h, w]. The caller owns it.

        Raises:
            UnsupportedImageError: `image` is not a picture.
            ContractError: A control is unknown, or one without default is missing.
            UsageError: A control is out of range, not finite, or of the wrong shape.
        """
        check_image(image)
        return self.download(self.advance(self.upload(image), size=image.shape[:2], controls=controls))

    def advance(self, frame: Any, *, size: tuple[int, int], controls: Mapping[str, Any]) -> Any:
        """Runs the stage on a tensor of `upload`; returns a tensor of the same kind.

        Args:
            frame: An array, or a device tensor when `device` is set.
            size: (height, width) of the frame in pixels.
            controls: Values by name; tensors of the same device are used directly.
        """
        self._start_fresh_on_new_size(size)
        feeds = {FRAME: frame} | self._control_feeds(controls)
        feeds |= {state_input(name): tensor for name, tensor in self._states.items()}
        run = self._device.run_on_device if self._device is not None else self.session.run
        results = run(feeds, self._outputs)
        self._states = {name: results[state_output(name)] for name in self.spec.states}
        return results[self.spec.output]

    def upload(self, array: NDArray[Any]) -> Any:
        """Copies an array to the session's device, or makes it contiguous in main memory."""
        return self._device.to_device(array) if self._device is not None else np.asarray(array, order="C")

    def download(self, tensor: Any) -> NDArray[Any]:
        """Copies a tensor of `advance` to main memory."""
        result: NDArray[Any] = self._device.to_host(tensor) if self._device is not None else tensor
        return result

    def twin(self) -> Stage | None:
        """A stage of the same loaded model for another thread, or None where the model cannot be shared.

        A stage with states has no twin, because each of its frames needs the one before.
        """
        if self.spec.states or not isinstance(self.session, TwinSession):
            return None
        return type(self)(self.session.twin(), self.spec)

    def reset(self) -> None:
        """Resets the states: the next frame is a first frame."""
        self._size = None

    def close(self) -> None:
        """Closes the session."""
        self._states.clear()
        self._fed.clear()
        self.session.close()

    def _start_fresh_on_new_size(self, size: tuple[int, int]) -> None:
        if size == self._size:
            return
        self._require_size(size)
        shapes = self.spec.state_shapes(*size)
        self._states = {
            name: self.upload(np.zeros(shape, self._dtype(state_input(name))))
            for name, shape in shapes.items()
        }
        self._size = size

    def _require_size(self, size: tuple[int, int]) -> None:
        fixed = self.session.inputs[FRAME].shape[:2]
        if any(
            isinstance(wanted, int) and wanted != given for wanted, given in zip(fixed, size, strict=True)
        ):
            raise UsageError(
                f"stage '{self.name}' takes frames of {fixed[1]}x{fixed[0]} pixels, got {size[1]}x{size[0]}: "
                f"scale them (--size {fixed[1]}x{fixed[0]}), or export with --dynamic"
            )

    def _control_feeds(self, controls: Mapping[str, Any]) -> dict[str, Any]:
        for name in controls:
            if name not in self.spec.controls:
                raise ContractError(
                    f"stage '{self.name}' has no control '{name}'; {suggest(name, self.spec.controls)}"
                )
        return {
            name: self._feed(name, control, controls.get(name))
            for name, control in self.spec.controls.items()
        }

    def _feed(self, name: str, control: Control, value: Any) -> Any:
        if value is not None and not isinstance(value, (int, float, np.ndarray, np.generic, list, tuple)):
            return value  # a device tensor from an earlier stage
        array = control_array(name, control, value, dtype=self._dtype(name))
        known = self._fed.get(name)
        if known is None or known[0].shape != array.shape or not np.array_equal(known[0], array):
            # A copy, so that a later change of the caller's array in place is noticed.
            self._fed[name] = known = (array.copy(), self.upload(array))
        return known[1]

    def _dtype(self, name: str) -> str:
        return self.session.inputs[name].dtype


def read_spec(session: Session) -> StageSpec:
    """Reads the contract from a session's metadata.

    Raises:
        ContractError: It is missing or unreadable.
    """
    text = session.metadata.get(METADATA_KEY)
    if text is None:
        raise ContractError(
            f"not a stage: the model has no '{METADATA_KEY}' metadata (artrt export writes it)"
        )
    return StageSpec.from_json(text)


def check_contract(session: Session, spec: StageSpec) -> None:
    """Checks that the graph matches its contract.

    Raises:
        ContractError: An input or output is missing, unknown, or of the wrong type.
    """
    expected = {FRAME, *spec.controls, *map(state_input, spec.states)}
    if set(session.inputs) != expected:
        raise ContractError(
            f"stage '{spec.name}' declares inputs {sorted(expected)}, but the model has {sorted(session.inputs)}"
        )
    frame = session.inputs[FRAME]
    if "batch" in spec.extra:
        raise ContractError(
            f"stage '{spec.name}' takes {spec.extra['batch']} frames in one call, for servers and sessions of "
            "your own (artrt.engine.sessions.open_session); export it without --batch to play pictures and videos"
        )
    if frame.dtype != "uint8" or len(frame.shape) != 3:
        raise ContractError(
            f"stage '{spec.name}': 'frame' is {frame.dtype} {frame.shape}, expected uint8 [H, W, 3]"
        )
    promised = {spec.output, *map(state_output, spec.states)}
    if not promised <= set(session.outputs):
        raise ContractError(
            f"stage '{spec.name}' declares outputs {sorted(promised)}, but the model has {sorted(session.outputs)}"
        )


def control_array(name: str, control: Control, value: Any, *, dtype: str = "float32") -> Array:
    """Converts a control's value to an array of the graph's type, and checks it.

    Raises:
        ContractError: There is no value, and the control has no default.
        UsageError: Out of range, not finite, or of the wrong shape.
    """
    if value is None:
        if control.default is None:
            raise ContractError(f"control '{name}' must be given (shape {list(control.shape)})")
        return control.default_array().astype(dtype)
    array = np.asarray(value, dtype=dtype)
    fits = array.ndim == len(control.shape) and all(
        length == wanted or not isinstance(wanted, int)
        for length, wanted in zip(array.shape, control.shape, strict=False)
    )
    if not fits or array.size == 0:
        raise UsageError(f"control '{name}' has shape {list(control.shape)}, got {list(array.shape)}")
    if not np.isfinite(array).all():
        raise UsageError(f"control '{name}' must be finite")
    low, high = control.minimum, control.maximum
    if (low is not None and array.min() < low) or (high is not None and array.max() > high):
        raise UsageError(f"control '{name}' must lie in [{low}, {high}], got {_shown(array)}")
    return array


def _worth_binding(session: DeviceSession) -> bool:
    """On the CPU the tensors are in main memory anyway."""
    return session.provider != "cpu"


def _shown(array: Array) -> str:
    return f"{array.item():g}" if array.size == 1 else f"values from {array.min():g} to {array.max():g}"
