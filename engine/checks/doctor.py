"""Checks what this machine has and lacks, one finding per line, for `artrt doctor`."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArtrtError, ProviderError
from ..files import cache_folder, writable_cache
from ..sessions.limits import usable_cores
from ..sessions.machine import (
    GPU_FIX,
    installed_onnxruntimes,
    require_cuda_driver,
    require_one_onnxruntime,
)
from ..sessions.plan import TENSORRT_FIX

OK, MISSING, BROKEN = "ok", "missing", "broken"
JETPACK = {"35": "5", "36": "6", "38": "7"}  # L4T release -> JetPack
ENCODERS = ("libx264", "libopenh264", "h264_nvenc", "h264_v4l2m2m", "libvpx-vp9", "libsvtav1")
ONE_WHEEL_FIX = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'artrt[gpu]'"
DEVICE_TREE = Path("/proc/device-tree/model")
TEGRA_RELEASE = Path("/etc/nv_tegra_release")


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        name: Name of the check.
        status: "ok", "missing" or "broken".
        detail: What was found.
        fix: How to fix it; empty if nothing needs fixing.
    """

    name: str
    status: str
    detail: str
    fix: str = ""


def examine() -> Iterator[Finding]:
    """Runs all checks and yields their findings."""
    for name, check in CHECKS.items():
        try:
            yield check()
        except Exception as error:  # every failure becomes a finding
            yield Finding(name, BROKEN, f"{type(error).__name__}: {error}")


def python() -> Finding:
    """Version of Python."""
    version = platform.python_version()
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", BROKEN, version, "artrt supports Python 3.10 to 3.13")
    return Finding("python", OK, f"{version}, {sys.executable}")


def machine() -> Finding:
    """System, processor, cores; model and JetPack of a Jetson."""
    text = f"{platform.system()} {platform.machine()}, {usable_cores()} usable cores"
    return Finding("platform", OK, ", ".join([text, *jetson()]))


def jetson() -> list[str]:
    """Model and JetPack of a Jetson; empty on other machines."""
    if not TEGRA_RELEASE.exists():
        return []
    model = DEVICE_TREE.read_text().strip("\0 \n") if DEVICE_TREE.exists() else "Jetson"
    match = re.search(r"R(\d+).*?REVISION: ([\d.]+)", TEGRA_RELEASE.read_text())
    release = f"L4T {match[1]}.{match[2]}, JetPack {JETPACK.get(match[1], '?')}" if match else "L4T unknown"
    return [model, release]


def gpu() -> Finding:
    """NVIDIA driver and GPUs."""
    try:
        require_cuda_driver()
    except ProviderError as error:
        return Finding("gpu", MISSING, str(error), "needed for cuda and tensorrt only")
    driver = ctypes.CDLL("libcuda.so.1")
    count, version = ctypes.c_int(), ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(count))
    driver.cuDriverGetVersion(ctypes.byref(version))
    names = [_gpu_name(driver, index) for index in range(count.value)]
    return Finding(
        "gpu", OK, f"{', '.join(names)}; driver for CUDA {version.value // 1000}.{version.value % 1000 // 10}"
    )


def _gpu_name(driver: ctypes.CDLL, index: int) -> str:
    handle, name = ctypes.c_int(), ctypes.create_string_buffer(100)
    driver.cuDeviceGet(ctypes.byref(handle), index)
    driver.cuDeviceGetName(name, len(name), handle)
    return name.value.decode()


def cuda() -> Finding:
    """CUDA runtime and cuDNN."""
    found = {name: _library(name) for name in ("cudart", "cudnn")}
    missing = [name for name, where in found.items() if where is None]
    if missing:
        return Finding(
            "cuda", MISSING, f"{' and '.join(missing)} not found", "pip install 'artrt[gpu]' brings them"
        )
    return Finding("cuda", OK, ", ".join(f"{name}: {where}" for name, where in found.items()))


def _library(name: str) -> str | None:
    """The origin of a CUDA library: the loader's path, or an nvidia-* wheel."""
    found = ctypes.util.find_library(name)
    if found:
        return found
    for distribution in importlib.metadata.distributions():
        title = distribution.metadata["Name"] or ""
        if title.startswith(f"nvidia-{'cuda-runtime' if name == 'cudart' else name}"):
            return f"{title} {distribution.version}"
    return None


def tensorrt() -> Finding:
    """TensorRT's and pycuda's Python packages."""
    if importlib.util.find_spec("tensorrt") is None:
        return Finding("tensorrt", MISSING, "no module tensorrt", TENSORRT_FIX)
    try:
        import tensorrt as trt
    except (ImportError, OSError) as error:
        return Finding("tensorrt", BROKEN, str(error), "reinstall: " + TENSORRT_FIX)
    if importlib.util.find_spec("pycuda") is None:
        return Finding("tensorrt", BROKEN, f"TensorRT {trt.__version__}, but no pycuda", "pip install pycuda")
    return Finding(
        "tensorrt", OK, f"TensorRT {trt.__version__}, pycuda {importlib.metadata.version('pycuda')}"
    )


def onnxruntime() -> Finding:
    """The onnxruntime wheels: exactly one, and its providers."""
    wheels = installed_onnxruntimes()
    if not wheels and importlib.util.find_spec("onnxruntime") is None:
        return Finding("onnxruntime", MISSING, "not installed", f"pip install 'artrt[cpu]', or {GPU_FIX}")
    try:
        require_one_onnxruntime()
    except ProviderError as error:
        return Finding("onnxruntime", BROKEN, str(error), ONE_WHEEL_FIX)
    import onnxruntime as ort

    providers = ", ".join(name.removesuffix("ExecutionProvider") for name in ort.get_available_providers())
    return Finding(
        "onnxruntime", OK, f"{wheels[0] if wheels else 'built here'} {ort.__version__}: {providers}"
    )


def openvino() -> Finding:
    """OpenVINO, the faster backend on many CPUs."""
    return _optional("openvino", package="openvino", module="openvino", extra="openvino")


def osc() -> Finding:
    """python-osc, which lets other programs control playback."""
    return _optional("osc", package="python-osc", module="pythonosc", extra="osc")


def ndi() -> Finding:
    """cyndilib, which brings NDI's library."""
    return _optional("ndi", package="cyndilib", module="cyndilib", extra="ndi")


def _optional(name: str, *, package: str, module: str, extra: str) -> Finding:
    """An optional package."""
    if importlib.util.find_spec(module) is None:
        return Finding(name, MISSING, "not installed", f"optional: pip install 'artrt[{extra}]'")
    return Finding(name, OK, f"{package} {importlib.metadata.version(package)}")


def opencv() -> Finding:
    """OpenCV's window, GStreamer and FFmpeg support."""
    import cv2

    about = cv2.getBuildInformation()
    have = {
        name: bool(re.search(rf"^\s*{name}:\s*YES", about, re.MULTILINE)) for name in ("GStreamer", "FFMPEG")
    }
    window = re.search(r"^\s*GUI:\s*(\S+)", about, re.MULTILINE)
    have["windows"] = bool(window) and window is not None and window[1] != "NONE"
    parts = ", ".join(f"{name} {'yes' if value else 'no'}" for name, value in have.items())
    fix = (
        ""
        if have["GStreamer"]
        else "csi:// and GStreamer pipelines need an OpenCV built with GStreamer (JetPack's, apt's)"
    )
    return Finding("opencv", OK, f"{cv2.__version__}: {parts}", fix)


def encoders() -> Finding:
    """PyAV and its H.264 encoders."""
    import av

    present = [name for name in ENCODERS if name in av.codecs_available]
    if not any("264" in name for name in present):
        return Finding(
            "pyav", BROKEN, f"{av.__version__} has no H.264 encoder", "pip install --force-reinstall av"
        )
    return Finding("pyav", OK, f"{av.__version__}: {', '.join(present)}")


def cameras() -> Finding:
    """Readable video devices."""
    nodes = sorted(Path("/dev").glob("video*"))
    if not nodes:
        return Finding("cameras", MISSING, "no /dev/video*", "plug one in, or play a file or URL")
    locked = [str(node) for node in nodes if not os.access(node, os.R_OK)]
    names = ", ".join(f"{node} ({_video_name(node)})" for node in nodes)
    if locked:
        return Finding(
            "cameras",
            BROKEN,
            f"{names}; no permission to read {', '.join(locked)}",
            "usermod -aG video $USER",
        )
    return Finding("cameras", OK, names)


def _video_name(node: Path) -> str:
    path = Path("/sys/class/video4linux") / node.name / "name"
    return path.read_text().strip() if path.exists() else "unknown"


def virtual_camera() -> Finding:
    """The package pyvirtualcam and a v4l2loopback device."""
    if importlib.util.find_spec("pyvirtualcam") is None:
        return Finding("virtual camera", MISSING, "no pyvirtualcam", "optional: pip install 'artrt[vcam]'")
    if platform.system() == "Linux" and not Path("/sys/module/v4l2loopback").exists():
        fix = "apt-get install v4l2loopback-dkms && modprobe v4l2loopback exclusive_caps=1"
        return Finding("virtual camera", MISSING, "the module v4l2loopback is not loaded", fix)
    return Finding("virtual camera", OK, f"pyvirtualcam {importlib.metadata.version('pyvirtualcam')}")


def cache() -> Finding:
    """The cache folder: whether it is writable, and its size."""
    folder = cache_folder()
    if writable_cache() is None:
        fix = "set ARTRT_CACHE_DIR to a folder of yours; until then compiled models are not kept"
        return Finding("cache", BROKEN, f"{folder} cannot be written", fix)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Finding("cache", OK, f"{folder}, {size / 1e6:.1f} MB")


def zoo() -> Finding:
    """The shipped models and styles; verifies every file."""
    from ..zoo import zoo as zoo_module

    shipped = zoo_module.Zoo()
    try:
        for name in shipped.manifest():
            shipped.path(name)
    except ArtrtError as error:
        own = shipped.folder != zoo_module.SHIPPED
        return Finding("zoo", BROKEN, str(error), "" if own else "pip install --force-reinstall artrt")
    return Finding("zoo", OK, f"{', '.join(shipped.models())}; {len(shipped.styles())} styles, all verified")


def provider(name: str) -> Finding:
    """Runs the small model on a provider; for TensorRT, an engine of one layer is enough."""
    from ..sessions import open_session
    from ..zoo.zoo import Zoo

    try:
        with contextlib.closing(open_session(Zoo().model_path(), provider=name)) as session:
            return Finding(f"provider {name}", OK, f"{session.provider}: {session.reason}")
    except ArtrtError as error:
        refusal = str(error)
    if name == "tensorrt":
        return _native_tensorrt(refusal)
    return Finding(f"provider {name}", BROKEN, refusal)


def _native_tensorrt(refusal: str) -> Finding:
    """Native TensorRT, for engines of `artrt export`, which need no ONNX Runtime."""
    from ..sessions.tensorrt_proof import prove_tensorrt

    try:
        proof = prove_tensorrt()
    except ArtrtError as error:
        return Finding("provider tensorrt", BROKEN, str(error))
    return Finding(
        "provider tensorrt",
        OK,
        f"{proof} runs engines of artrt export, but not ONNX models: ONNX Runtime's provider does not work: {refusal}",
    )


CHECKS: dict[str, Callable[[], Finding]] = {
    "python": python,
    "platform": machine,
    "gpu": gpu,
    "cuda": cuda,
    "tensorrt": tensorrt,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "opencv": opencv,
    "pyav": encoders,
    "cameras": cameras,
    "virtual camera": virtual_camera,
    "ndi": ndi,
    "osc": osc,
    "cache": cache,
    "zoo": zoo,
}
