"""Builds TensorRT engines from stages: strongly typed, with profiles, a timing cache, memory limit and progress.

Types are only in the ONNX graph: TensorRT 11 has no flags for fp16 or int8, and a strongly typed network in
TensorRT 10 follows the graph's types, so an engine has the requested precision or is not built.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx

from ..engine.errors import ArtrtError, ContractError, ProviderError
from ..engine.files import replacing, writable_cache
from ..engine.sessions.cuda_memory import CudaMemory
from ..engine.sessions.machine import require_cuda_driver
from ..engine.sessions.plan import TENSORRT_FIX, write_sidecar
from ..engine.sessions.tensorrt import this_device
from ..engine.sessions.tensorrt_proof import network_flags
from ..engine.stage_spec import METADATA_KEY, StageSpec, state_input
from .fuse import spec_of
from .lint import lint
from .options import ExportOptions, Shapes, Size
from .tensorrt_form import tensorrt_form
from .vector_inputs import with_vector_inputs

GIB = 1 << 30
LEAST_FREE_GIB = 1.0
USUAL_MASK: Size = (96, 160)

Progress = Callable[[str, int, int], None]
"""Called with the phase, the finished steps and the number of steps."""


@dataclass(frozen=True)
class BuildOptions:
    """Options for building an engine.

    Args:
        shapes: Frame sizes.
        precision: Only recorded in the sidecar; the graph has the types.
        workspace_gib: Memory limit of the builder; None leaves it to TensorRT.
        hardware_compatible: Runs on every GPU of compute capability 8.0 or newer; up to 10 % slower.
        version_compatible: Runs on newer TensorRT of the same major version; slightly larger and slower.
        rebuild: The command that rebuilds it.
    """

    shapes: Shapes
    precision: str = "fp32"
    workspace_gib: float | None = None
    hardware_compatible: bool = False
    version_compatible: bool = False
    rebuild: str = "artrt export --format engine"

    @classmethod
    def of(cls, options: ExportOptions) -> BuildOptions:
        """Takes the builder's options from those of `artrt export`."""
        return cls(
            shapes=options.shapes,
            precision=options.precision,
            workspace_gib=options.workspace_gib,
            hardware_compatible=options.hardware_compatible,
            version_compatible=options.version_compatible,
            rebuild=_command(options),
        )


def _command(options: ExportOptions) -> str:
    """The command that rebuilds the same engine."""
    stages = ",".join(
        choice.name + (f":{choice.amount}" if choice.amount is not None else "") for choice in options.stages
    )
    parts = [
        f"artrt export --model {options.model} --format engine --precision {options.precision}",
        size_option(options.shapes),
        f"--stroke {options.stroke:g}" if options.stroke is not None else "",
        f"--stages {stages}",
        f"--styles {','.join(options.styles)}" if options.styles else "",
        f"--batch {options.batch}" if options.batch > 1 else "",
        f"--calibration {options.calibration}" if options.precision == "int8" else "",
        "--fuse" if options.fuse else "",
        "--saliency" if options.saliency else "",
        build_options(options),
    ]
    return " ".join(part for part in parts if part)


def build_options(options: ExportOptions) -> str:
    """The command-line options of `artrt export` for the builder only."""
    parts = [
        f"--workspace {options.workspace_gib:g}" if options.workspace_gib is not None else "",
        "--hardware-compatible" if options.hardware_compatible else "",
        "--version-compatible" if options.version_compatible else "",
    ]
    return " ".join(part for part in parts if part)


def size_option(shapes: Shapes) -> str:
    """The command-line option of `artrt export` for these sizes."""
    low, middle, high = (
        f"{width}x{height}" for height, width in (shapes.minimum, shapes.optimum, shapes.maximum)
    )
    return f"--size {middle}" if shapes.fixed else f"--dynamic {low}:{middle}:{high}"


def require_tensorrt() -> None:
    """Checks for a GPU, TensorRT and pycuda before the export starts.

    Raises:
        ProviderError: Names what is missing, and the fix.
    """
    require_cuda_driver()
    with translated_errors():
        import pycuda.driver
        import tensorrt

        _ = pycuda.driver, tensorrt


def engine_from_onnx(
    model: onnx.ModelProto,
    path: Path,
    build: BuildOptions,
    *,
    progress: Progress = lambda phase, done, total: None,
) -> dict[str, Any]:
    """Builds an engine and writes it with its sidecar.

    Args:
        model: A stage.
        path: Path of the plan to write.
        build: Options of the build.
        progress: Called with the progress.

    Returns:
        The sidecar.

    Raises:
        ProviderError: No GPU, TensorRT or pycuda; too little GPU memory; or the build failed.
        ContractError: TensorRT's parser refuses the graph; the message names the nodes.
    """
    require_tensorrt()
    shaped = with_vector_inputs(tensorrt_form(model))
    faults = lint(shaped)
    if faults:
        raise ContractError(f"TensorRT would refuse this graph: {'; '.join(faults[:5])}")
    with translated_errors():
        memory = CudaMemory.open()
        _require_memory(memory, build)
        with memory.current():
            plan = _build(shaped, spec_of(model), build, memory, progress)
        with replacing(path) as temporary:
            temporary.write_bytes(plan)
        return write_sidecar(path, _facts(model, build, memory))


def _build(
    model: onnx.ModelProto, spec: StageSpec, build: BuildOptions, memory: CudaMemory, progress: Progress
) -> bytes:
    import tensorrt as trt

    logger = _logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(network_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model.SerializeToString()):
        raise ContractError("TensorRT refuses this graph: " + "; ".join(parse_errors(parser)))
    config = builder.create_builder_config()
    _configure(trt, config, build)
    config.progress_monitor = _monitor(trt, progress)
    profile = builder.create_optimization_profile()
    for name, sizes in profile_shapes(model, spec, build.shapes).items():
        profile.set_shape(name, *sizes)
    config.add_optimization_profile(profile)
    with _timing_cache(config, trt.__version__, memory):
        plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ProviderError(f"TensorRT {trt.__version__} could not build the engine: {logger.last}")
    return bytes(plan)


def _configure(trt: Any, config: Any, build: BuildOptions) -> None:
    if build.workspace_gib is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, int(build.workspace_gib * GIB))
    config.clear_flag(trt.BuilderFlag.TF32)  # no TF32: fp32 means fp32, and fp16 exists for speed
    if build.hardware_compatible:
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    if build.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)


def parse_errors(parser: Any) -> list[str]:
    """The errors of TensorRT's ONNX parser with the names of the nodes."""
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    return [f"{fault.node_operator()} '{fault.node_name()}': {fault.desc()}" for fault in errors]


def profile_shapes(
    model: onnx.ModelProto, spec: StageSpec, shapes: Shapes
) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Minimum, optimum and maximum shape of every input with a free dimension.

    Args:
        model: The graph.
        spec: Its contract, which gives the shapes of states.
        shapes: Frame sizes.
    """
    sizes: tuple[Size, ...] = (shapes.minimum, shapes.optimum, shapes.maximum)
    states = [
        {state_input(name): shape for name, shape in spec.state_shapes(*size).items()} for size in sizes
    ]
    found: dict[str, tuple[tuple[int, ...], ...]] = {}
    for value in model.graph.input:
        if all(dimension.HasField("dim_value") for dimension in value.type.tensor_type.shape.dim):
            continue
        if value.name == "frame":
            batch = [dim.dim_value for dim in value.type.tensor_type.shape.dim][:-3]
            found["frame"] = tuple((*batch, *size, 3) for size in sizes)
        elif value.name in states[0]:
            found[value.name] = tuple(state[value.name] for state in states)
        else:
            best = min(USUAL_MASK[0], shapes.maximum[0]), min(USUAL_MASK[1], shapes.maximum[1])
            found[value.name] = ((1, 1), best, shapes.maximum)
    return found


def _require_memory(memory: CudaMemory, build: BuildOptions) -> None:
    needed = max(LEAST_FREE_GIB, build.workspace_gib or 0)
    free = memory.free_bytes() / GIB
    if free < needed:
        raise ProviderError(
            f"{memory.gpu} has {free:.1f} GiB free, the build needs {needed:.1f} GiB: "
            "end other programs, or give a smaller --workspace"
        )


@contextlib.contextmanager
def _timing_cache(config: Any, version: str, memory: CudaMemory) -> Iterator[None]:
    """The timing cache of this GPU and TensorRT version; yields it and saves it after the build."""
    name = f"{memory.gpu}-{memory.compute_capability}-{version}.timing".replace(" ", "-").replace("/", "-")
    folder = writable_cache("tensorrt")
    path = None if folder is None else folder / name
    known = path.read_bytes() if path is not None and path.is_file() else b""
    cache = config.create_timing_cache(known) or config.create_timing_cache(
        b""
    )  # None: the file cannot be read
    config.set_timing_cache(cache, ignore_mismatch=False)
    yield
    if path is None:
        return
    with replacing(path) as temporary:
        cache = config.get_timing_cache()
        temporary.write_bytes(bytes(cache.serialize()))


def _logger(trt: Any) -> Any:
    class Logger(trt.ILogger):  # type: ignore[misc]
        """Stores the last error for our message; stops TensorRT from printing."""

        last = "no reason given"

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.last = message

        def __init__(self) -> None:
            trt.ILogger.__init__(self)

    return Logger()


def _monitor(trt: Any, progress: Progress) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Reports the builder's progress."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = num_steps
            progress(phase_name, 0, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            progress(phase_name, step + 1, self._steps.get(phase_name, step + 1))
            return True

        def phase_finish(self, phase_name: str) -> None:
            total = self._steps.pop(phase_name, 0)
            progress(phase_name, total, total)

    return Monitor()


def _facts(model: onnx.ModelProto, build: BuildOptions, memory: CudaMemory) -> dict[str, Any]:
    compatible = {"hardware": build.hardware_compatible, "version": build.version_compatible}
    shapes = {name: list(size) for name, size in asdict(build.shapes).items()}
    return {
        "model_sha256": hashlib.sha256(model.SerializeToString()).hexdigest(),
        "device": asdict(this_device(memory)),
        "precision": build.precision,
        "shapes": shapes,
        "compatible": [name for name, asked in compatible.items() if asked],
        "rebuild": build.rebuild,
        "metadata": {METADATA_KEY: spec_of(model).to_json()},
    }


@contextlib.contextmanager
def translated_errors() -> Iterator[None]:
    """Turns missing packages and errors of TensorRT and pycuda into errors of artrt."""
    try:
        yield
    except ArtrtError:
        raise
    except ImportError as error:
        raise ProviderError(f"{error.name or error} is missing: {TENSORRT_FIX}") from error
    except (RuntimeError, MemoryError) as error:
        raise ProviderError(f"the engine could not be built: {error}") from error
