"""TensorRT plans and their sidecar files: what an engine was built for, and whether it fits this machine.

stylize.plan        the engine
stylize.plan.json   model and plan sha256, TensorRT, driver, GPU, platform, precision, shapes, stage contract
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ..errors import IntegrityError, ProviderError
from ..files import sha256_of

SIDECAR = 1
TENSORRT_FIX = "pip install 'artrt[tensorrt]' (on a Jetson TensorRT comes with JetPack: pip install pycuda)"


@dataclass(frozen=True)
class Device:
    """The GPU and software that an engine was built for.

    Args:
        gpu: Name of the GPU.
        compute_capability: As in "8.7".
        tensorrt: TensorRT's version.
        cuda_driver: Version of the CUDA driver, as in "12.6".
        machine: Processor architecture ("x86_64", "aarch64").
    """

    gpu: str
    compute_capability: str
    tensorrt: str
    cuda_driver: str
    machine: str


def sidecar_path(plan: Path) -> Path:
    """The path of a plan's sidecar file."""
    return plan.with_name(plan.name + ".json")


def write_sidecar(plan: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the sidecar of a plan file, including the plan's sha256; returns the contents."""
    data = {"sidecar": SIDECAR, "plan_sha256": sha256_of(plan), **facts}
    sidecar_path(plan).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return data


class Sidecar(Struct, frozen=True):
    """The checked fields of a sidecar file; its other fields are information only.

    Args:
        sidecar: Version of the format.
        plan_sha256: sha256 of the plan.
        device: GPU and software that the engine was built for.
        shapes: (height, width) of the frames: minimum, optimum, maximum.
        metadata: The stage contract.
        compatible: Contains "hardware" or "version" if the engine also runs on other GPUs or TensorRT versions.
        rebuild: The command that rebuilds it.
    """

    sidecar: int
    plan_sha256: str
    device: Device
    shapes: dict[Literal["minimum", "optimum", "maximum"], tuple[int, int]]
    metadata: dict[str, str]
    compatible: tuple[str, ...] = ()
    rebuild: str = "artrt export --format engine"


def read_sidecar(plan: Path) -> Sidecar:
    """Reads the sidecar of a plan and checks the plan's sha256.

    Raises:
        IntegrityError: It is missing or unreadable, or the plan was changed.
    """
    path = sidecar_path(plan)
    try:
        data = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        if data.get("sidecar", SIDECAR) != SIDECAR:
            raise IntegrityError(f"{path} was written by another version of artrt: export the engine again")
        said = msgspec.convert(data, type=Sidecar)
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise IntegrityError(f"{path} is missing or unreadable ({error}): export the engine again") from error
    if sha256_of(plan) != said.plan_sha256:
        raise IntegrityError(f"{plan} does not match its sidecar (sha256 differs): export it again")
    return said


def require_fit(sidecar: Sidecar, here: Device, *, plan: Path) -> None:
    """Checks that an engine was built for this machine.

    Args:
        sidecar: The plan's sidecar.
        here: This machine.
        plan: The plan, for the message.

    Raises:
        ProviderError: It was not; the message lists every difference and the command that rebuilds it.
    """
    built = asdict(sidecar.device)
    loose = {"hardware": {"gpu", "compute_capability"}, "version": {"tensorrt"}}
    ignored = {"cuda_driver"}.union(*(loose[kind] for kind in sidecar.compatible if kind in loose))
    now = asdict(here)
    differences = [
        f"{name} {built[name]} there, {now[name]} here"
        for name in now
        if name not in ignored and built[name] != now[name]
    ]
    if "hardware" in sidecar.compatible and float(here.compute_capability) < 8.0:
        differences.append(f"compute capability {here.compute_capability} here, 8.0 or newer is needed")
    if differences:
        raise ProviderError(
            f"{plan.name} was built for another machine ({'; '.join(differences)}): engines are not portable; "
            f"build it here: {sidecar.rebuild}"
        )


def this_machine() -> str:
    """Processor architecture."""
    return platform.machine()
